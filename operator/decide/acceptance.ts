/** The first step of every run and restore, which is over as soon as it is begun, and what is taken on record with it. */
import type { BackupPolicy, HeldWorkload, PolicySpec } from "../api/kinds.ts";
import { type Instant, formatInstant } from "../domain/instant.ts";
import { type AppObservation, workloadKey } from "./app.ts";
import type { StepRecord } from "./step.ts";
import type { Refusal } from "./stop-checks.ts";

export function refusedStep(now: Instant, refusal: Refusal | undefined): StepRecord {
  const at = formatInstant(now);
  const { code, message } = refusal ?? { code: "HO-P101" as const, message: "" };
  return { name: "Accept", state: "Failed", startedAt: at, finishedAt: at, code, message };
}

/** @param warnings what may spoil it although nothing stands against it */
export function acceptedStep(now: Instant, policy: BackupPolicy, warnings: readonly string[]): StepRecord {
  const at = formatInstant(now);
  const message = [`policy generation ${policy.metadata.generation ?? 0}`, ...warnings].join("; ");
  return { name: "Accept", state: "Done", startedAt: at, finishedAt: at, message };
}

/** The workloads of the policy that exist, as they are now. */
export const workloadsToHold = (app: AppObservation, { app: { workloads } }: PolicySpec): readonly HeldWorkload[] =>
  workloads.flatMap((item) => {
    const workload = app.workloads.get(workloadKey(item));
    return workload === undefined
      ? []
      : [{ kind: item.kind, name: item.name, uid: workload.metadata.uid, replicas: workload.spec.replicas ?? 1 }];
  });
