/** The gauges of a policy, computed anew from its objects in each pass, so that they are right after a restart. */
import type { PolicyStatus } from "../api/kinds.ts";
import type { PolicyObservation } from "../decide/policy.ts";
import { elapsed, formatInstant, parseInstant } from "../domain/instant.ts";
import type { Metrics } from "./metrics.ts";

export function publishPolicy(metrics: Metrics, seen: PolicyObservation, status: PolicyStatus, now: number): void {
  const { namespace, name } = seen.policy.metadata;
  const newest = seen.runs.toSorted((a, b) =>
    (a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1,
  );
  const stopped = newest.find((run) => run.status?.app === "Stopped");
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
    appDown: newest[0]?.status?.app === "Down",
    appStoppedSeconds: seconds(stopped?.status?.times?.stopAt, formatInstant(now)) ?? 0,
  });
}
