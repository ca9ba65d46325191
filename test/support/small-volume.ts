/** Volumes that are really full soon: file systems in memory, mounted on the node by a privileged pod. */
import type { Manifest } from "./api.ts";
import type { Bed } from "./bed.ts";
import { podSpec, workload } from "./app.ts";

const directory = "/var/lib/kubelet/handover-small";

/**
 * Claims of the given names, each on a file system of so many KiB of its own. The mounts go when the pod is deleted, and
 * with it the claims' contents.
 */
export async function makeSmallVolumes(bed: Bed, sizes: Readonly<Record<string, number>>): Promise<void> {
  const root = `${directory}/${bed.namespace}`;
  const mounts = Object.entries(sizes).map(
    ([name, kib]) =>
      `mkdir -p ${root}/${name}; mountpoint -q ${root}/${name} || mount -t tmpfs -o size=${kib}k small ${root}/${name}`,
  );
  const names = Object.keys(sizes)
    .map((name) => `${root}/${name}`)
    .join(" ");
  const script = `set -e; ${mounts.join("; ")}; touch /tmp/ready
    trap 'umount -l ${names}; exit 0' TERM INT; sleep infinity & wait`;
  await bed.apply(
    workload(
      "Deployment",
      "small-volumes",
      podSpec({
        script,
        container: {
          securityContext: { privileged: true },
          readinessProbe: { exec: { command: ["test", "-e", "/tmp/ready"] }, periodSeconds: 1 },
          volumeMounts: [{ name: "node", mountPath: directory, mountPropagation: "Bidirectional" }],
        },
        spec: { volumes: [{ name: "node", hostPath: { path: directory, type: "DirectoryOrCreate" } }] },
      }),
    ),
  );
  await bed.ready("small-volumes");
  for (const name of Object.keys(sizes)) await makeVolume(bed, name, `${root}/${name}`);
}

async function makeVolume(bed: Bed, name: string, path: string): Promise<void> {
  const volumeName = `${bed.namespace}-${name}`;
  const volume: Manifest = {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: volumeName },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Delete",
      storageClassName: "",
      hostPath: { path },
      claimRef: { namespace: bed.namespace, name },
    },
  };
  await bed.kubectl("delete", "pv", volumeName, "--ignore-not-found", "--wait=false");
  const { status, body } = await bed.api.call("POST", "/api/v1/persistentvolumes", volume);
  if (status !== 201) throw new Error(`the volume ${volumeName} is refused: ${body.message}`);
  await bed.apply({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "",
      volumeName,
      resources: { requests: { storage: "1Gi" } },
    },
  });
}

export const removeSmallVolumes = async (bed: Bed, names: readonly string[]): Promise<void> => {
  for (const name of names)
    await bed.kubectl("delete", "pv", `${bed.namespace}-${name}`, "--ignore-not-found", "--wait=false");
};
