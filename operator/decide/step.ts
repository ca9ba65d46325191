/**
 * One recorded step that is carried out by a Job, from Pending to Done or Failed. An attempt is on record before its Job is
 * created, and its result before the Job is deleted; what is on record is never done again.
 */
import type { ErrorCode } from "../api/codes.ts";
import type { Job, Pod, StepRecord } from "../api/kinds.ts";
import { jobName } from "../api/names.ts";
import type { MoverSuccess } from "../contract/result.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import type { Action, JobManifest } from "./decision.ts";
import { type JobProblem, type JobState, judgeJob } from "./job-state.ts";

export type { StepRecord } from "../api/kinds.ts";

export interface StepWorld {
  readonly ownerName: string;
  readonly ownerUID: string;
  readonly jobs: ReadonlyMap<string, Job>;
  /** Pods of the owner's Jobs. */
  readonly pods: readonly Pod[];
  readonly now: Instant;
}

export interface StepPlan {
  /** Attempts in all. */
  readonly attempts: number;
  readonly build: (name: string) => JobManifest;
  /** Message of a finished step, for people. */
  readonly describe: (results: readonly MoverSuccess[]) => string;
  /** false when a Job that vanished must not be made again, because the app runs by now. */
  readonly mayRecreate?: boolean;
  /** Milliseconds for which a Job may go on to its own end after its step has failed. */
  readonly lastWords?: number;
}

export interface StepMove {
  readonly step: StepRecord;
  readonly actions: readonly Action[];
  readonly job: JobState;
  readonly wakeAfter?: number | undefined;
}

/** How long the creation of a Job may be refused, by a quota or an admission, before its step fails. */
const refusalGrace = 60_000;

/** 10 s, 30 s, 90 s, ... at most 10 minutes; from recorded moments, so that a restart does not shorten or lengthen it. */
const backoff = (attempt: number): number => Math.min(600_000, 10_000 * 3 ** (attempt - 1));

export const isOver = (step: StepRecord | undefined): boolean =>
  step?.state === "Done" || step?.state === "Skipped" || step?.state === "Failed";

/** Its name without the sink. */
export const baseOf = (step: StepRecord): string => step.name.split("/")[0] ?? "";

/** Failed, or carried out without doing what it is for, as a prune that was refused. */
export const isTrouble = (step: StepRecord): boolean =>
  step.state === "Failed" || (step.state === "Done" && step.code !== undefined);

export const finish = (step: StepRecord, now: Instant, message: string): StepRecord => ({
  ...step,
  state: "Done",
  finishedAt: formatInstant(now),
  message,
});

export function fail(step: StepRecord, now: Instant, code: ErrorCode, message: string): StepRecord {
  return { ...step, state: "Failed", finishedAt: formatInstant(now), code, message };
}

export const skip = (step: StepRecord, message: string): StepRecord =>
  isOver(step) ? step : { ...step, state: "Skipped", message };

export const resultsOf = (step: StepRecord | undefined): readonly MoverSuccess[] => {
  // Ours: written by this controller after parsing, read back from a status that only it may write.
  const stored = (step?.result as { readonly of?: readonly MoverSuccess[] } | undefined)?.of;
  return Array.isArray(stored) ? stored : [];
};

/** For people, to whom the Job that acts upon a plan is no second attempt. */
const attemptText = ({ rounds = 0 }: StepRecord, attempt: number): string => `attempt ${Math.max(1, attempt - rounds)}`;

export function advanceStep(step: StepRecord, plan: StepPlan, world: StepWorld): StepMove {
  const { now } = world;
  const attempt = step.attempt ?? 0;
  const job = step.job === undefined ? undefined : world.jobs.get(step.job);
  const state: JobState = step.job === undefined ? { is: "absent" } : judgeJob(step.job, job, world.pods, now);
  const stay = (wakeAfter?: number): StepMove => ({ step, actions: [], job: state, wakeAfter });

  const start = (next: number): StepMove => {
    const name = jobName(world.ownerName, step.name, next);
    const { retryAt: _retryAt, code: _code, ...rest } = step;
    return {
      step: {
        ...rest,
        state: "Running",
        attempt: next,
        job: name,
        startedAt: formatInstant(now),
        message: step.code === undefined ? (step.message ?? "") : attemptText(step, next),
      },
      actions: [{ do: "createJob", job: plan.build(name), ownerUID: world.ownerUID }],
      job: { is: "absent" },
      wakeAfter: 95_000,
    };
  };

  const endAttempt = (problem: JobProblem): StepMove => {
    // A Job that cannot start is still active; nothing may start beside the next attempt.
    const remove: readonly Action[] =
      job === undefined || isFinished(job) ? [] : [{ do: "deleteJob", name: job.metadata.name, uid: job.metadata.uid }];
    if (!problem.retry || attempt >= plan.attempts)
      return { step: fail(step, now, problem.code, problem.message), actions: remove, job: state };
    const wait = backoff(attempt);
    return {
      step: {
        ...step,
        state: "Waiting",
        retryAt: formatInstant(now + wait),
        code: problem.code,
        message: `${attemptText(step, attempt)} failed: ${problem.message}`,
      },
      actions: remove,
      job: state,
      wakeAfter: wait,
    };
  };

  switch (step.state) {
    case "Pending":
      return start(1);
    case "Waiting": {
      const wait = (parseInstant(step.retryAt) ?? now) - now;
      if (state.is === "running" || state.is === "ending") return stay(1_000);
      return wait > 0 ? stay(wait) : start(attempt + 1);
    }
    case "Running":
      // Nothing is waited for then: not for processes that take their time to end, while an app may be down.
      if ((state.is === "absent" || state.is === "ending") && plan.mayRecreate === false)
        return endAttempt({ code: "HO-X001", message: "the Job of the step was deleted", retry: false });
      if (state.is === "absent") {
        if (now - (parseInstant(step.startedAt) ?? now) >= refusalGrace)
          return endAttempt({
            code: "HO-P114",
            message: "the Job of the step is not there: the cluster refused it, or somebody deleted it",
            retry: true,
          });
        // On record first, so that an old look, to which the Job is not there yet, ends in a conflict and makes no second one.
        return {
          ...stay(95_000),
          step: { ...step, message: `${attemptText(step, attempt)}, its Job was created again` },
          actions: [{ do: "createJob", job: plan.build(step.job ?? ""), ownerUID: world.ownerUID }],
        };
      }
      if (state.is === "ending") return stay(1_000);
      if (state.is === "running") return stay(95_000);
      if (state.is === "failed") return endAttempt(state.problem);
      return {
        step: { ...finish(step, now, plan.describe(state.results)), result: { of: [...state.results] } },
        actions: [],
        job: state,
      };
    case "Done":
      return job === undefined || job.metadata.deletionTimestamp !== undefined
        ? stay()
        : { ...stay(), actions: [{ do: "deleteJob", name: job.metadata.name, uid: job.metadata.uid }] };
    case "Skipped":
    case "Failed": {
      if (!isLeft(step, job)) return stay();
      const left = (parseInstant(step.finishedAt) ?? now) + (plan.lastWords ?? 0) - now;
      // Ended before its Job was: if the process died between the record and the removal, the Job would go on for ever.
      return left > 0
        ? stay(left)
        : { ...stay(), actions: [{ do: "deleteJob", name: job.metadata.name, uid: job.metadata.uid }] };
    }
  }
}

/**
 * Whether nothing is left to do: every step is over, and no Job is left to go or is being told to go. A step that was skipped or
 * failed this very pass may free its successors; one more pass finds them.
 */
export const isAllOver = (
  steps: readonly StepRecord[],
  jobs: ReadonlyMap<string, Job>,
  actions: readonly Action[],
): boolean =>
  steps.every(isOver) &&
  !actions.some((action) => action.do === "deleteJob") &&
  !steps.some((step) => step.job !== undefined && isLeft(step, jobs.get(step.job)));

/** Whether the step is over and its Job is not: the Job has to end first. Failed Jobs stay until their run is deleted. */
const isLeft = (step: StepRecord, job: Job | undefined): job is Job =>
  isOver(step) &&
  job !== undefined &&
  (step.state === "Done" || (!isFinished(job) && job.metadata.deletionTimestamp === undefined));

const isFinished = (job: Job): boolean =>
  job.status?.conditions?.some(
    (condition) => (condition.type === "Complete" || condition.type === "Failed") && condition.status === "True",
  ) ?? false;
