/** One app of three replicas in the states that decisions tell apart: with and without a record, with pods, at zero. */
import type { HeldWorkload, Lease, Pod, Workload } from "../../operator/api/kinds.ts";
import { annotations, labels } from "../../operator/api/names.ts";
import type { AppObservation } from "../../operator/decide/app.ts";
import type { Holder, QuiesceRecord } from "../../operator/decide/record.ts";
import { aPod, aWorkload, anApp, namespace } from "./builders.ts";

export const holder: Holder = { kind: "BackupRun", name: "run", uid: "run-uid", deadline: "2026-11-21T01:10:00Z" };
export const other: Holder = { ...holder, name: "other", uid: "other-uid" };
export const held: readonly HeldWorkload[] = [
  { kind: "Deployment", name: "shop", uid: "shop-uid", replicas: 3, downGeneration: 2 },
];
export const stopped = held.map((item): HeldWorkload => ({ ...item, heldAt: "2026-11-21T01:00:00Z" }));
export const claims = new Set(["shop-uploads"]);
export const lease = (change: Partial<QuiesceRecord> | string): Lease => ({
  metadata: {
    name: "handover-shop-uid",
    namespace,
    uid: "lease-uid",
    resourceVersion: "7",
    annotations: {
      [annotations.record]:
        typeof change === "string"
          ? change
          : JSON.stringify({
              version: 1,
              target: { kind: "Deployment", name: "shop", uid: "shop-uid" },
              original: 3,
              state: "Down",
              downGeneration: 2,
              holders: [holder],
              ...change,
            }),
    },
  },
  spec: {},
});
/** @param of the uid of its record */
export const aGuard = (name: string, of: string, ready: "True" | "False", change: object = {}): Pod => ({
  ...aPod(name)
    .meta({ labels: { [labels.guard]: of }, ...change })
    .build(),
  status: { phase: "Running", conditions: [{ type: "Ready", status: ready }] },
});
export const armedGuard = aGuard("guard", "lease-uid", "True");
export const zero = aWorkload().replicas(0).meta({ generation: 2 });
export const app = (
  workload: Workload | undefined,
  record?: Partial<QuiesceRecord> | string,
  pods: readonly Pod[] = [],
): AppObservation =>
  anApp({
    workloads: workload === undefined ? [] : [workload],
    records: new Map(record === undefined ? [] : [["shop-uid", lease(record)]]),
    pods,
  });
export const down = (change: Partial<QuiesceRecord> = {}, ...pods: readonly Pod[]): AppObservation =>
  app(zero.build(), change, pods);
