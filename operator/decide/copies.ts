/** Where the copies of a run's generation are and how far they have come, from the steps on record; and which of them count. */
import type { ErrorCode } from "../api/codes.ts";
import type { BackupRun, PolicySpec, RunStatus } from "../api/kinds.ts";
import type { ResultOf } from "../contract/result.ts";
import { parseGenerationId } from "../domain/generation.ts";
import { hasSequence, lacksSequence } from "../domain/sequences.ts";
import { resultOf } from "./job-state.ts";
import { type StepRecord, resultsOf } from "./step.ts";

type Copy = NonNullable<RunStatus["copies"]>[number];

/** Of a copy that was verified and is not any more, although it is whole itself: what it is based on is not. */
export const chainBroken = "HO-V603" satisfies ErrorCode;

/** The steps that say something of copies. A policy has many runs, and each is judged by all later ones. */
const tells = /^(?:Transport|Verify|Prune)\//;

/** That all is well is said of a stored copy when a later run has done the lesser check that was asked for. */
const checked = "";

/** Of a transport: one generation is damaged at the source, and all the others were brought. */
export const damagedAtSource = "HO-T503" satisfies ErrorCode;

/**
 * What the steps of this run, and of later runs, say about the copies of this run's generation. Ids are shown of a few only, and a
 * report may have got lost with its pod; the numbers tell of all, but only within one policy object.
 */
export function updateCopies(status: RunStatus, later: readonly BackupRun[] = []): RunStatus {
  const id = status.generation?.id;
  const seq = parseGenerationId(id ?? "")?.seq ?? 0;
  const sealed = status.steps?.find((step) => step.name === "Seal");
  const told = [status, ...later.flatMap((run) => run.status ?? [])].flatMap(({ steps = [], policyUID, retention }) =>
    steps.filter(({ name }) => tells.test(name)).map((step) => ({ step, policyUID, retention })),
  );
  const numbered = new Set(told.filter((one) => one.policyUID === status.policyUID).map(({ step }) => step));
  const tookBack = new Map(
    told.map(({ step, retention }) => [
      step,
      retention?.find(({ location }) => step.name === `Prune/${location}`)?.tookBack ?? [],
    ]),
  );
  // By time, because a copy that was found damaged may have been brought over again.
  const reports = told
    .map(({ step }) => step)
    .toSorted((a, b) => ((a.finishedAt ?? "") < (b.finishedAt ?? "") ? -1 : a.finishedAt === b.finishedAt ? 0 : 1));
  const copies = status.copies?.map((copy): Copy => {
    let next: Copy = copy;
    const become = (state: Copy["state"], step: StepRecord, code?: string): void => {
      if (next.state === "Pruned" || next.state === state) return;
      const { code: _code, ...rest } = next;
      next = {
        ...rest,
        state,
        ...(step.finishedAt === undefined ? {} : { time: step.finishedAt }),
        ...(code === undefined ? {} : { code }),
      };
    };
    if (copy.location === "source" && sealed?.state === "Done") become("Verified", sealed);
    const withdraw = (step: StepRecord): void => {
      const lacking = step.state === "Done" ? resultOf(resultsOf(step), "prune")?.lacking : undefined;
      // What the source looks for itself, when it is to give its own up, counts more than what was said before.
      if (lacking?.some((one) => one.id === id && one.sink === copy.location) === true && counts(next, status))
        become("Missing", step, "HO-V602");
    };
    /** A report that is older than the copy knows nothing of it. */
    const isNews = (step: StepRecord): boolean => numbered.has(step) && (next.time ?? "") < (step.finishedAt ?? "");
    for (const step of reports) {
      const [base, sink] = step.name.split("/");
      if (step.name === "Prune/source") withdraw(step);
      if (sink !== copy.location) continue;
      const own = status.steps?.includes(step) === true;
      // A failure says why a copy is not further than it is, and nothing more once it is.
      const stuck = { Transport: "Missing", Verify: "Stored" }[base ?? ""];
      if (
        step.state === "Failed" &&
        own &&
        next.state === stuck &&
        step.code !== undefined &&
        next.code !== chainBroken
      )
        next = { ...next, code: step.code };
      if (step.state !== "Done" || id === undefined) continue;
      const results = resultsOf(step);
      if (
        base === "Transport" &&
        next.state === "Missing" &&
        (own || resultOf(results, "transport")?.delivered.includes(id))
      )
        become("Stored", step);
      const verify = resultOf(results, "verify");
      if (verify?.damaged.includes(id)) become("Damaged", step, "HO-V601");
      else if (verify?.verified.includes(id)) become("Verified", step);
      else if (numbered.has(step) && verify?.sequences !== undefined && hasSequence(verify.sequences, seq))
        become("Verified", step);
      else if (!own && numbered.has(step) && hasPassed(verify?.lesser, seq, modeAt(copy, status))) {
        if (next.state === "Missing") become("Stored", step);
        if (next.state === "Stored") next = { ...next, code: checked };
      }
      // What a check has said, a later one takes back: the copy is whole, but not what it is based on.
      else if (next.state === "Verified" && isNews(step) && (verify?.sequences?.since ?? Infinity) <= seq)
        become("Stored", step, chainBroken);
      const prune = resultOf(results, "prune");
      // Out of the trash, where nobody could touch it; at a sink it is read again before it counts.
      if (next.state === "Pruned" && tookBack.get(step)?.includes(id) === true)
        next = { ...next, state: sink === "source" ? "Verified" : "Stored", time: step.finishedAt ?? "" };
      if (prune?.removed.some((removed) => removed.id === id)) become("Pruned", step);
      const was = (next.state === "Stored" || next.state === "Verified") && isNews(step);
      if (was && prune?.present !== undefined && lacksSequence(prune.present, seq)) become("Pruned", step);
    }
    return next;
  });
  return copies === undefined ? status : { ...status, copies };
}

const modeAt = ({ location }: Copy, { policy }: RunStatus): Mode =>
  policy?.sinks.find((sink) => sink.name === location)?.verify;

type Mode = PolicySpec["sinks"][number]["verify"] | undefined;

/** Whether a lesser check that a later run has made is the one that was asked for, or more. */
const hasPassed = (lesser: ResultOf<"verify">["lesser"], seq: number, asked: Mode): boolean =>
  lesser !== undefined && (asked === "None" || asked === lesser.mode) && hasSequence(lesser.checked, seq);

/** A copy counts once its check is done: a re-read of every byte, or the lesser check that the policy asks for. */
export function counts(copy: Copy, status: RunStatus): boolean {
  if (copy.state === "Verified" || copy.state === "Pruned") return true;
  const mode = modeAt(copy, status);
  if (copy.state !== "Stored" || copy.code === chainBroken || mode === undefined || mode === "Full") return false;
  return (
    copy.code === checked ||
    status.steps?.some((step) => step.name === `Verify/${copy.location}` && step.state === "Done") === true
  );
}
