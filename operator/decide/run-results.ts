/** What a run takes on record of the results of a step that has ended well, before anything is done about them. */
import type { MoverSuccess } from "../contract/result.ts";
import { typeOf } from "../domain/generation.ts";
import { type Instant, formatInstant, parseInstant } from "../domain/instant.ts";
import { judgeBase, madeType } from "./base.ts";
import { counts } from "./copies.ts";
import { resultOf } from "./job-state.ts";
import { generationIdOf } from "./run-jobs.ts";
import type { RunDraft, RunObservation } from "./run-observation.ts";
import { troubleIn } from "./run-reports.ts";
import { tellUnchanged } from "./run-summary.ts";
import { type StepRecord, fail, skip } from "./step.ts";

interface Context {
  readonly seen: RunObservation;
  readonly draft: RunDraft;
  readonly now: Instant;
}

/** @param step done, as far as its Job goes. A result that cannot be believed is its failure all the same. */
export function takeResults(step: StepRecord, results: readonly MoverSuccess[], context: Context): void {
  const code = troubleIn(results);
  if (code !== undefined) context.draft.steps.set(step.name, { ...step, code });
  takePreflight(step, results, context);
  takeCollection(step, results, context);
  takeSeal(step, results, context);
}

/** When nothing has changed, nothing is made; all that is left to do is to bring what is there to a sink that still lacks it. */
function takeCollection(step: StepRecord, results: readonly MoverSuccess[], { seen, draft, now }: Context): void {
  const unchanged = seen.run.spec.type === "Config" ? resultOf(results, "collect")?.unchanged : undefined;
  if (unchanged === undefined) return;
  if (typeOf(unchanged) !== "Config") {
    draft.steps.set(step.name, fail(step, now, "HO-A407", `"${unchanged}" is no generation of the configuration`));
    return;
  }
  draft.status = { ...draft.status, unchanged, copies: [] };
  const late = lateSinks(unchanged, seen, now);
  for (const [name, other] of draft.steps) {
    const [base = "", sink = ""] = name.split("/");
    const isLate = (base === "Transport" || base === "Verify") && late.includes(sink);
    if (other.state === "Pending" && !isLate) draft.steps.set(name, skip(other, tellUnchanged(unchanged)));
  }
}

/** Looks come often, and one run at a time works on an application: a sink that stays away must not hold up the others. */
const pauseMillis = 3_600_000;

/** The sinks whose copy of the generation does not count, unless bringing it was tried within the hour. */
function lateSinks(id: string, { siblings }: RunObservation, now: Instant): readonly string[] {
  const { copies = [], ...status } = siblings.find((run) => run.status?.generation?.id === id)?.status ?? {};
  const isTried = (sink: string): boolean =>
    siblings
      .flatMap((run) => run.status?.steps ?? [])
      .some(({ name, state, finishedAt }) => {
        const ended = name === `Transport/${sink}` && state !== "Skipped" ? parseInstant(finishedAt) : undefined;
        return ended !== undefined && ended > now - pauseMillis;
      });
  return copies
    .filter((copy) => !counts(copy, status))
    .map(({ location }) => location)
    .filter((location) => !isTried(location));
}

function takePreflight(step: StepRecord, results: readonly MoverSuccess[], { seen, draft, now }: Context): void {
  const preflight = resultOf(results, "preflight");
  if (preflight === undefined) return;
  draft.status = { ...draft.status, seq: draft.status.seq ?? preflight.lastSeq + 1 };
  const { base, trouble } = judgeBase(seen.run.spec.type, preflight);
  if (trouble !== undefined) draft.steps.set(step.name, fail(step, now, "HO-P116", trouble));
  else if (base !== undefined) draft.status = { ...draft.status, base };
}

function takeSeal(step: StepRecord, results: readonly MoverSuccess[], { seen, draft, now }: Context): void {
  const seal = resultOf(results, "seal");
  if (seal === undefined) return;
  const run = { ...seen.run, status: draft.status };
  const asked = generationIdOf(run);
  if (seal.id !== asked) {
    draft.steps.set(step.name, fail(step, now, "HO-A406", `the seal was asked for ${asked} and reports ${seal.id}`));
    return;
  }
  draft.status = {
    ...draft.status,
    generation: {
      id: seal.id,
      type: madeType(run),
      parent: draft.status.base?.generation ?? "",
      consistency: draft.steps.has("Quiesce") ? "Quiesced" : "Running",
      sealedAt: formatInstant(now),
      bytes: seal.bytes,
      storedBytes: seal.storedBytes,
      files: seal.files,
      tables: seal.tables,
      manifestSHA256: seal.manifestSHA256,
    },
  };
}
