/**
 * A policy: which slot is due, which run has to be created, what its runs have brought. A slot is a name, so it exists once only:
 * if this process dies after creating a run, the next pass finds the run.
 */
import { explain } from "../api/codes.ts";
import { type NewCondition, isFinished, setConditions } from "../api/conditions.ts";
import type { BackupPolicy, BackupRun, PolicyStatus } from "../api/kinds.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import { checkSchedule } from "../domain/schedule.ts";
import { decideAdoption } from "./adoption.ts";
import { type Action, type Decision, earliest } from "./decision.ts";
import { resultOf } from "./job-state.ts";
import { countPending } from "./pending.ts";
import { isOf, judgeProtection, newestFirst } from "./protection.ts";
import { trashMillisOf } from "./prune-task.ts";
import { checkRetentionZone, judgePruning, tellWaiting } from "./pruning.ts";
import { type PolicyObservation, decideSchedule, firstOf } from "./slots.ts";
import { resultsOf } from "./step.ts";
import { clip } from "../domain/text.ts";

type LocationStatus = NonNullable<PolicyStatus["locations"]>[number];

/** Finished runs without a generation that are kept, for people to look at. */
const failedHistory = 5;
/** The same for looks at the configuration that found no change. */
const unchangedHistory = 3;
/** Timers of the runtime are not exact over days; a policy is looked at this often at least. */
const longestWait = 6 * 3_600_000;

/** The newest report of each place, out of the preflights and prunes of all runs. */
function locationsOf(policy: BackupPolicy, runs: readonly BackupRun[]): readonly LocationStatus[] {
  const names = ["source", ...policy.spec.sinks.map((sink) => sink.name)];
  const newest = new Map((policy.status?.locations ?? []).map((location) => [location.name, location]));
  for (const step of runs.flatMap((run) => run.status?.steps ?? [])) {
    if (step.state !== "Done" || step.finishedAt === undefined) continue;
    const results = resultsOf(step);
    const prune = resultOf(results, "prune");
    for (const facts of [
      ...(resultOf(results, "preflight")?.locations ?? []),
      ...(prune === undefined ? [] : [prune.location]),
    ]) {
      const known = newest.get(facts.name);
      if (known?.observedAt !== undefined && known.observedAt >= step.finishedAt) continue;
      // The identity that was seen first stays: another one is for a person to judge.
      const { oldest, newest: latest, ...counts } = facts;
      const ids = { ...(oldest === undefined ? {} : { oldest }), ...(latest === undefined ? {} : { newest: latest }) };
      newest.set(facts.name, { ...counts, ...ids, uuid: known?.uuid ?? facts.uuid, observedAt: step.finishedAt });
    }
  }
  return names.flatMap((name) => newest.get(name) ?? []);
}

/**
 * Finished runs that nobody needs any more: the generation is gone everywhere and out of the trash, or there never was one and newer
 * failures tell the story.
 * @param basis what the state of the policy rests on: without it, an older success would be the latest of its type.
 */
function runsToDelete(seen: PolicyObservation, basis: readonly BackupRun[], now: Instant): readonly Action[] {
  const trash = trashMillisOf(seen.policy.spec);
  const finished = newestFirst(
    seen.runs.filter((run) => isFinished(run) && run.metadata.deletionTimestamp === undefined),
  );
  const empty = finished.filter((run) => run.status?.generation === undefined);
  const failed = empty.filter((run) => run.status?.unchanged === undefined).slice(failedHistory);
  const unchanged = empty.filter((run) => run.status?.unchanged !== undefined).slice(unchangedHistory);
  const gone = finished.filter(
    (run) =>
      run.status?.generation !== undefined &&
      // A copy that never arrived cannot arrive any more once the source has given the generation up.
      run.status.copies?.every(({ state, location }) =>
        location === "source" ? state === "Pruned" : state === "Pruned" || state === "Missing",
      ) === true &&
      // Out of the trash it can come back, and needs a record that tells of it and can be held.
      !run.status.copies.some(({ state, time }) => state === "Pruned" && (parseInstant(time) ?? 0) + trash > now),
  );
  return [...failed, ...unchanged, ...gone]
    .filter((run) => !basis.includes(run))
    .map((run) => ({ do: "deleteRun", run }));
}

export function decidePolicy(seen: PolicyObservation, now: Instant): Decision<PolicyStatus> {
  const { policy } = seen;
  const before = policy.status ?? {};
  const problems = (policy.spec.schedules ?? []).flatMap((schedule) => {
    const problem = checkSchedule(schedule, now);
    if (problem === undefined) return [];
    const code = problem === "UnknownTimeZone" ? ("HO-P110" as const) : ("HO-P111" as const);
    const what = {
      UnknownTimeZone: `time zone ${schedule.timeZone} is unknown`,
      CronNotUnderstood: `cron "${schedule.cron}" is not five fields that make sense`,
      ScheduleNeverFires: `cron "${schedule.cron}" never comes true`,
    }[problem];
    return [{ schedule: schedule.name, code, message: `schedule ${schedule.name}: ${what}` }];
  });
  const zone = checkRetentionZone(policy);
  if (zone !== undefined) problems.push({ schedule: "", code: "HO-P110", message: zone });
  const broken = new Set(problems.map((problem) => problem.schedule));
  const due = (policy.spec.schedules ?? [])
    .filter((schedule) => !broken.has(schedule.name))
    .map((schedule) => decideSchedule(schedule, seen, now));
  const start = firstOf(due, policy);

  const upcoming = due
    .flatMap((one) => (one.next === undefined ? [] : [{ schedule: one.schedule.name, at: one.next }]))
    .toSorted((a, b) => a.at - b.at)[0];
  const { lastComplete, basis, ...protection } = judgeProtection(policy, seen.runs);
  const own = seen.runs.filter(isOf(policy));
  const locations = locationsOf(policy, own);
  // The good generation that there is grows old.
  const isHalted = protection.state === "Protected" && problems.some(({ schedule }) => schedule !== "");
  const state = policy.spec.suspend ? "Suspended" : isHalted ? "AtRisk" : protection.state;
  const [problem] = problems;
  const entry =
    problem === undefined
      ? undefined
      : explain(problem.code, { namespace: policy.metadata.namespace, policy: policy.metadata.name, run: "" });
  const message =
    problem !== undefined
      ? `${problem.code} ${problem.message}`
      : policy.spec.suspend
        ? "no scheduled runs while suspend is true"
        : protection.message;
  // A trouble comes first; what waits for a person comes before that all is well.
  const waits = tellWaiting(policy, own);
  const told = problem === undefined && protection.state === "Protected" ? [waits, message] : [message, waits];
  const nextText =
    upcoming === undefined ? "-" : `${formatInstant(upcoming.at).slice(0, 16).replace("T", " ")}Z ${upcoming.schedule}`;

  const conditions: readonly NewCondition[] = [
    problem === undefined
      ? { type: "Ready", status: "True", reason: "Accepted", message: "the policy is in force" }
      : { type: "Ready", status: "False", reason: entry?.reason ?? "", message },
    problem === undefined
      ? { type: "Stalled", status: "False", reason: "Fine", message: "" }
      : {
          type: "Stalled",
          status: "True",
          reason: entry?.reason ?? "",
          message: `${message}. App: ${entry?.app}. Data: ${entry?.data}. Next: ${entry?.next}`,
        },
    { type: "Reconciling", status: "False", reason: "Done", message: "" },
    {
      type: "Suspended",
      status: policy.spec.suspend ? "True" : "False",
      reason: policy.spec.suspend ? "Suspended" : "Active",
      message: policy.spec.suspend ? "scheduled runs do not start until suspend is false" : "",
    },
    judgePruning(policy, own),
    { type: "Protected", status: state === "Protected" ? "True" : "False", reason: state, message },
    {
      type: "Scheduled",
      status: upcoming === undefined ? "False" : "True",
      reason:
        upcoming !== undefined
          ? "Waiting"
          : policy.spec.suspend
            ? "Suspended"
            : (policy.spec.schedules ?? []).length === 0
              ? "NoSchedules"
              : (entry?.reason ?? "NothingDue"),
      message:
        upcoming === undefined
          ? "nothing is going to run by itself"
          : (due.map((one) => one.status.skipped ?? "").find((text) => text.startsWith("waits")) ??
            `next: ${nextText}`),
    },
  ];
  const adoption = decideAdoption(seen, now);
  const generation = policy.metadata.generation ?? 1;
  const status: PolicyStatus = {
    observedGeneration: generation,
    state,
    display: {
      generations: locations.map((location) => `${location.name} ${location.verified ?? 0}`).join(", "),
      next: nextText,
      message: clip(told.filter((text) => text !== "").join("; "), 300),
    },
    ...(lastComplete === undefined ? {} : { lastComplete }),
    ...(upcoming === undefined ? {} : { nextRun: { schedule: upcoming.schedule, time: formatInstant(upcoming.at) } }),
    schedules: due.map((one) => one.status),
    locations: [...locations],
    ...(adoption.adoption === undefined ? {} : { adoption: adoption.adoption }),
    pendingHandovers: countPending(own) ?? before.pendingHandovers ?? 0,
    conditions: [...setConditions(before.conditions ?? [], conditions, generation, formatInstant(now))],
  };
  return {
    status,
    actions: [...(start === undefined ? [] : [start]), ...runsToDelete(seen, basis, now), ...adoption.actions],
    events: [
      ...(before.state !== undefined && before.state !== state
        ? [{ type: state === "Protected" ? ("Normal" as const) : ("Warning" as const), reason: state, message }]
        : []),
      ...adoption.events,
    ],
    wakeAfter: earliest(
      adoption.wakeAfter,
      ...due.map((one) => (one.wake === undefined ? undefined : Math.min(one.wake - now, longestWait))),
    ),
  };
}
