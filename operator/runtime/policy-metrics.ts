/** The gauges of a policy, computed anew from its objects in each pass, so that they are right after a restart. */
import type { BackupRun, PolicyStatus, RestoreRequest } from "../api/kinds.ts";
import type { PolicyObservation } from "../decide/slots.ts";
import { elapsed, formatInstant, parseInstant } from "../domain/instant.ts";
import type { Metrics } from "./metrics.ts";

/** Of the last step that was begun or ended; the age of a restore says nothing, because its plan may have waited for days. */
function lastStepTime({ metadata, status }: BackupRun | RestoreRequest): string {
  const times = status?.steps?.flatMap(({ startedAt, finishedAt }) => [startedAt ?? "", finishedAt ?? ""]) ?? [];
  return [metadata.creationTimestamp ?? "", ...times].reduce((a, b) => (a > b ? a : b));
}

/** Whoever has known last what the app is. One that was refused, or does not stop the app and has not seen it up, knows nothing. */
function lastWitness({ runs, restores }: PolicyObservation): BackupRun | RestoreRequest | undefined {
  return [...runs, ...restores]
    .filter(({ status }) => status?.app !== undefined && status.app !== "Unknown")
    .toSorted((a, b) => (lastStepTime(a) < lastStepTime(b) ? 1 : -1))[0];
}

export function publishPolicy(metrics: Metrics, seen: PolicyObservation, status: PolicyStatus, now: number): void {
  const { namespace, name } = seen.policy.metadata;
  const newest = seen.runs.toSorted((a, b) =>
    (a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1,
  );
  const stopped = [...newest, ...seen.restores].find(({ status: told }) => told?.app === "Stopped");
  const [last] = newest.filter((run) => run.status?.times?.readyAt !== undefined);
  const seconds = (from: string | undefined, to: string | undefined): number | undefined => {
    const millis = elapsed(from, to);
    return millis === undefined ? undefined : millis / 1_000;
  };
  const complete = parseInstant(status.lastComplete?.time);
  const freeze = seconds(last?.status?.times?.goneAt, last?.status?.times?.releasedAt);
  const downtime = seconds(last?.status?.times?.stopAt, last?.status?.times?.readyAt);
  metrics.policy(namespace, name, {
    ...(complete === undefined ? {} : { lastCompleteTimestampSeconds: complete / 1_000 }),
    ...(freeze === undefined ? {} : { freezeSeconds: freeze }),
    ...(downtime === undefined ? {} : { downtimeSeconds: downtime }),
    appDown: lastWitness(seen)?.status?.app === "Down",
    appStoppedSeconds: seconds(stopped?.status?.times?.stopAt, formatInstant(now)) ?? 0,
  });
}
