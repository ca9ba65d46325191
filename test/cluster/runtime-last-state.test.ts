/** What a real API server and a real kubelet say of a pod that is gone: the proof that its processes have ended stands on it. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type KubeObject, type Pod, type Resource, pods } from "../../operator/api/kinds.ts";
import { type Bed, openBed } from "./runtime-bed.ts";

const nodes: Resource = { group: "", version: "v1", plural: "nodes", kind: "Node" };
type Node = KubeObject<unknown, { readonly images?: readonly { readonly names?: readonly string[] }[] }>;

let bed: Bed;
let image: string;
beforeAll(async () => {
  bed = await openBed("last-state");
  const [node] = await bed.cluster.list<Node>(nodes, {});
  const names = node?.status?.images?.flatMap((one) => one.names ?? []) ?? [];
  image = names.find((name) => /\/pause:/.test(name)) ?? "";
});
afterAll(() => bed.close());

async function until(name: string, is: (pod: Pod | undefined) => boolean): Promise<Pod | undefined> {
  for (;;) {
    const pod = await bed.cluster.get<Pod>(pods, bed.namespace, name);
    if (is(pod)) return pod;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
async function start(name: string): Promise<Pod> {
  const containers = [{ name: "app", image, imagePullPolicy: "IfNotPresent" }];
  const spec = { automountServiceAccountToken: false, terminationGracePeriodSeconds: 5, containers };
  await bed.cluster.create(pods, bed.namespace, { apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
  return (await until(name, (pod) => pod?.status?.containerStatuses?.[0]?.state?.running !== undefined))!;
}
async function remove({ metadata }: Pod, gracePeriodSeconds?: number): Promise<void> {
  const answer = await bed.connection.send({
    method: "DELETE",
    path: `/api/v1/namespaces/${bed.namespace}/pods/${metadata.name}`,
    body: {
      apiVersion: "v1",
      kind: "DeleteOptions",
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    },
    signal: AbortSignal.timeout(10_000),
  });
  await answer.body.text();
}

test("the last state tells whether the containers had ended, however the pod was asked to go", async () => {
  const [guard, graceful, forced, stuck] = await Promise.all([
    start("guard"),
    start("graceful"),
    start("forced"),
    start("stuck"),
  ]);
  await Promise.all([remove(graceful), remove(forced, 0), remove(stuck).then(() => remove(stuck, 0))]);
  const last = async (pod: Pod): Promise<readonly string[]> => {
    await until(pod.metadata.name, (left) => left === undefined);
    const state = await bed.cluster.lastState<Pod>(pods, bed.namespace, pod.metadata, guard.metadata.resourceVersion);
    return Object.keys(state?.status?.containerStatuses?.[0]?.state ?? {});
  };
  expect(await last(graceful)).toEqual(["terminated"]);
  expect(await last(forced)).toEqual(["running"]);
  expect(await last(stuck)).toEqual(["running"]);
}, 120_000);
