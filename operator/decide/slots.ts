/**
 * Which slot of a schedule is due, and which of several. A slot asks for a state that is not older than itself: when another
 * generation has brought it meanwhile, the application is not stopped for it once more.
 */
import { isFinished } from "../api/conditions.ts";
import type { BackupPolicy, BackupRun, PolicySpec, PolicyStatus, RestoreRequest } from "../api/kinds.ts";
import { labels, scheduledRunName } from "../api/names.ts";
import { type GenerationType, holdsVolumes, timeOf, typeOf } from "../domain/generation.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import { parseDuration } from "../domain/quantities.ts";
import { identityOf, latestSlot, nextSlot, slotLabel } from "../domain/schedule.ts";
import type { AdoptionWorld } from "./adoption.ts";
import type { Action } from "./decision.ts";
import { counts } from "./copies.ts";
import { isOf } from "./protection.ts";

export interface PolicyObservation {
  readonly policy: BackupPolicy;
  /** Runs that name this policy. */
  readonly runs: readonly BackupRun[];
  /** Requests that name this policy. */
  readonly restores: readonly RestoreRequest[];
  /** Names of the other runs of the namespace: `a` + `b-c` and `a-b` + `c` make the same name of a run. */
  readonly takenNames: ReadonlySet<string>;
  /** Absent unless runs are made of what lies at a location. */
  readonly adoption?: AdoptionWorld | undefined;
}

type ScheduleSpec = NonNullable<PolicySpec["schedules"]>[number];
type ScheduleStatus = NonNullable<PolicyStatus["schedules"]>[number];

/** How far a clock may be set back without a slot being looked at again. */
const clockTolerance = 3_600_000;

/** The type that stands most by itself first. */
const ranks: Readonly<Record<GenerationType, number>> = {
  Full: 0,
  Differential: 1,
  Incremental: 2,
  Database: 3,
  Config: 4,
};

export interface Due {
  readonly schedule: ScheduleSpec;
  readonly status: ScheduleStatus;
  /** The run to create for the slot that is due. */
  readonly start?: { readonly slot: Instant; readonly action: Action };
  /** The next slot that will start a run. */
  readonly next: Instant | undefined;
  /** The next slot that has to be looked at, if only to pass it by. */
  readonly wake: Instant | undefined;
}

export function decideSchedule(schedule: ScheduleSpec, seen: PolicyObservation, now: Instant): Due {
  const { policy } = seen;
  const identity = identityOf(schedule);
  const recorded = policy.status?.schedules?.find(({ name }) => name === schedule.name);
  // A schedule that is new or was changed begins now; it does not catch up what it was not yet asked to do.
  const changed = recorded?.cron !== identity;
  // Slots are recorded when they are past. One in the future is from a clock that ran ahead, and would silence the schedule.
  const ahead = (text: string | undefined): boolean => (parseInstant(text) ?? 0) > now + clockTolerance;
  const known = changed || ahead(recorded.lastSlot) || ahead(recorded.since) ? undefined : recorded;
  const since = known?.since ?? formatInstant(now);
  const slots = seen.runs
    .filter((run) => run.spec.scheduleName === schedule.name)
    .map(({ spec }) => spec.scheduledFor ?? "")
    .filter((slot) => !ahead(slot));
  const lastSlot = [known?.lastSlot ?? "", ...slots]
    .map((text) => parseInstant(text) ?? 0)
    .reduce((a, b) => Math.max(a, b), 0);
  const wake = nextSlot(schedule, Math.max(now, lastSlot));
  const next = policy.spec.suspend ? undefined : wake;
  const status = (slot: Instant, skipped: string): ScheduleStatus => ({
    name: schedule.name,
    since,
    cron: identity,
    ...(slot > 0 ? { lastSlot: formatInstant(slot) } : {}),
    skipped,
  });
  const slot = latestSlot(schedule, Math.max(parseInstant(since) ?? now, lastSlot), now);
  const idle = (at: Instant, skipped: string): Due => ({ schedule, status: status(at, skipped), next, wake });
  if (slot === undefined) return idle(lastSlot, lastSlot > 0 ? (known?.skipped ?? "") : "");
  if (policy.spec.suspend) return idle(slot, "the policy is suspended");
  const bringer = bringerOf(schedule, slot, seen, now);
  if (bringer !== undefined) return idle(slot, `not needed: ${bringer} has the state of this time or a later one`);
  if (now - slot > (parseDuration(schedule.startingDeadline) ?? 0))
    return idle(slot, "missed by more than startingDeadline");
  // It starts when the active one is over, if that is within its deadline.
  const active = seen.runs.find((run) => !isFinished(run));
  if (active !== undefined) return idle(lastSlot, `waits for run ${active.metadata.name}`);
  // A plan that waits for a person changes nothing and blocks nothing.
  const restore = seen.restores.find((request) => !isFinished(request) && !request.spec.planOnly);
  if (restore !== undefined) return idle(lastSlot, `waits for restore ${restore.metadata.name}`);
  const scheduledFor = formatInstant(slot);
  const name = scheduledRunName(policy.metadata.name, schedule.name, slotLabel(scheduledFor));
  if (seen.takenNames.has(name) || seen.runs.some((run) => run.metadata.name === name))
    return idle(slot, `the name ${name} is taken by another run; rename the schedule`);
  return {
    ...idle(lastSlot, ""),
    start: {
      slot,
      action: {
        do: "createRun",
        name,
        labels: { [labels.policy]: policy.metadata.name },
        spec: {
          policyName: policy.metadata.name,
          type: schedule.type,
          scheduleName: schedule.name,
          scheduledFor,
          sinks: schedule.sinks ?? [],
        },
      },
    },
  };
}

/**
 * The generation that has what the slot asks for: of all that the policy names by now, of the same type or one that stands more by itself,
 * checked at each of its sinks, of the time of the slot or later. A run that has failed has brought nothing, so the slot starts. A dump costs the application nothing, and is
 * always made; so does a look at its configuration.
 */
function bringerOf(schedule: ScheduleSpec, slot: Instant, seen: PolicyObservation, now: Instant): string | undefined {
  if (!holdsVolumes(schedule.type)) return undefined;
  const sinks = sinksOf(schedule, seen.policy);
  return seen.runs
    .filter((run) => isFinished(run) && isOf(seen.policy)(run))
    .filter(({ status }) => holdsAll(status?.policy, seen.policy.spec))
    .filter(({ status = {} }) =>
      sinks.every((sink) => status.copies?.some((copy) => copy.location === sink && isThere(copy, status))),
    )
    .flatMap(({ status }) => status?.generation?.id ?? [])
    .find((id) => {
      const type = typeOf(id);
      const time = parseInstant(timeOf(id)) ?? 0;
      // What is far ahead is from a clock that was wrong, and would silence the schedule.
      return type !== undefined && ranks[type] <= ranks[schedule.type] && time >= slot && time <= now + clockTolerance;
    });
}

/** Whether a run of the one spec has captured whatever the other asks for. */
const holdsAll = (then: PolicySpec | undefined, now: PolicySpec): boolean =>
  (now.databases ?? []).every(({ name }) => then?.databases?.some((database) => database.name === name)) &&
  (now.volumes ?? []).every((volume) => then?.volumes?.some((other) => captured(other) === captured(volume)));

const captured = ({ name, claimName, paths, exclude }: NonNullable<PolicySpec["volumes"]>[number]): string =>
  JSON.stringify([name, claimName, paths.toSorted(), exclude.toSorted()]);

const isThere: typeof counts = (copy, status) => copy.state !== "Pruned" && counts(copy, status);

const sinksOf = ({ sinks = [] }: ScheduleSpec, { spec }: BackupPolicy): readonly string[] =>
  sinks.length > 0 ? sinks : spec.sinks.map(({ name }) => name);

/**
 * One run at a time: of several due slots one starts now, and the others when it is over, if they are needed then. First the type that
 * stands most by itself, then the one with most sinks, because it may bring what the others ask for; then the older slot, then the
 * order of the policy.
 */
export function firstOf(due: readonly Due[], policy: BackupPolicy): Action | undefined {
  const order = due
    .flatMap(({ schedule, start }) => (start === undefined ? [] : [{ ...start, schedule }]))
    .toSorted(
      (a, b) =>
        ranks[a.schedule.type] - ranks[b.schedule.type] ||
        sinksOf(b.schedule, policy).length - sinksOf(a.schedule, policy).length ||
        a.slot - b.slot,
    );
  return order[0]?.action;
}
