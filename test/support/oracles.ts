/** What has to be true of an app, its runs and its stores, whatever has died: asked of the API server and of the disks, not of Handover. */
import { parseRecord } from "../../operator/decide/record.ts";
import type { Lease } from "../../operator/api/kinds.ts";
import { type Bed, type Task, type WorkloadBody, waitUntil } from "./bed.ts";

interface Named {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}
interface Running extends Named {
  readonly status?: { readonly active?: number; readonly phase?: string };
}

const records = (bed: Bed): Promise<readonly Lease[]> =>
  bed.list<Lease>("Lease", "?labelSelector=backup.handover.dev/quiesce-record");

/**
 * Whether a stopped app comes back without its controller: it needs a record with the replicas that it had, and a guard.
 * @returns what is wrong.
 */
export async function strandedness(bed: Bed, name = "web", replicas = 1): Promise<string | undefined> {
  const { spec, metadata } = await bed.get<WorkloadBody>("Deployment", name);
  if (spec.replicas === replicas) return undefined;
  if (spec.replicas !== 0) return `${name} has ${spec.replicas} replicas`;
  const lease = (await records(bed)).find((one) => parseRecord(one)?.target.uid === metadata.uid);
  // Given back by its guard between the two looks.
  if (lease === undefined && (await bed.get<WorkloadBody>("Deployment", name)).spec.replicas === replicas)
    return undefined;
  if (lease === undefined) return `${name} is at zero without a record`;
  if (parseRecord(lease)?.original !== replicas) return `${name} is at zero and its record has other replicas`;
  const guards = await bed.list<Running>("Pod", `?labelSelector=backup.handover.dev/guard=${lease.metadata.uid}`);
  return guards.some(({ status }) => status?.phase === "Running") ? undefined : `${name} is at zero without a guard`;
}

/** Nothing that could still act or that fills a store: records, guards, movers, staging. */
export async function leftovers(bed: Bed): Promise<readonly string[]> {
  const names = (kind: string, objects: readonly Named[]): readonly string[] =>
    objects.map(({ metadata }) => `${kind} ${metadata.name}`);
  const guard = "?labelSelector=backup.handover.dev/guard";
  const mover = "?labelSelector=backup.handover.dev/step";
  const [leases, guardJobs, guardPods, jobs, pods, staging] = await Promise.all([
    records(bed),
    bed.list<Named>("Job", guard),
    bed.list<Named>("Pod", guard),
    bed.list<Running>("Job", mover),
    bed.list<Running>("Pod", mover),
    bed.sh(
      "deploy/toolbox",
      `for d in /*/${bed.namespace}/*/staging; do [ ! -d "$d" ] || find "$d" -mindepth 1 -maxdepth 1; done`,
    ),
  ]);
  return [
    ...names("record", leases),
    ...names("guard", [...guardJobs, ...guardPods]),
    ...names(
      "job",
      jobs.filter(({ status }) => (status?.active ?? 0) > 0),
    ),
    ...names(
      "pod",
      pods.filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending"),
    ),
    ...staging.split("\n").filter((line) => line !== ""),
  ];
}

export const nothingIsLeft = (bed: Bed): Promise<readonly string[]> =>
  waitUntil(
    "nothing is left",
    () => leftovers(bed),
    (left) => left.length === 0,
    60,
  );

/** Generations by location, each with the verdict of sha256sum. In the toolbox every claim but the store is a vault. */
async function generationsOf(bed: Bed, policy: string): Promise<ReadonlyMap<string, boolean>> {
  const base = `${bed.namespace}/${policy}`;
  const told = await bed.sh(
    "deploy/toolbox",
    `for d in /store/${base}/handover/* /*/${base}/store/*; do
       [ -d "$d" ] || continue; cd "$d"
       if sha256sum --strict --quiet -c SHA256SUMS && sha256sum --strict --quiet -c manifest.sha256; then echo "$d ok"; else echo "$d bad"; fi
     done 2>/dev/null`,
  );
  const lines = told.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [path = "", verdict] = line.split(" ");
      return [`${path.startsWith("/store/") ? "source" : "vault"} ${path.split("/").at(-1)}`, verdict === "ok"];
    }),
  );
}

/** Where the statuses of a policy's runs and the disks do not agree. */
export async function lies(bed: Bed, policy: string): Promise<readonly string[]> {
  const runs = (await bed.list<Task>("BackupRun")).filter(({ spec }) => spec["policyName"] === policy);
  const found = await generationsOf(bed, policy);
  const told = new Map<string, string>(
    runs.flatMap(({ status }) =>
      (status.copies ?? []).map(({ location, state }) => [`${location} ${status.generation?.id}`, state] as const),
    ),
  );
  return [
    ...[...told]
      .filter(([copy, state]) => state === "Verified" && found.get(copy) !== true)
      .map(([copy, state]) => `${copy} is said to be ${state}`),
    ...[...found.keys()]
      .filter((copy) => !["Verified", "Stored"].includes(told.get(copy) ?? ""))
      .map((copy) => `${copy} is there and told to be ${told.get(copy)}`),
  ];
}

/** Every oracle at the end of a story. */
export async function expectWhole(bed: Bed, apps: readonly string[], policies: readonly string[]): Promise<void> {
  for (const app of apps) await bed.ready(app);
  await nothingIsLeft(bed);
  const wrong = await Promise.all(policies.map((policy) => lies(bed, policy)));
  if (wrong.flat().length > 0) throw new Error(`status and disk do not agree: ${wrong.flat().join("; ")}`);
}
