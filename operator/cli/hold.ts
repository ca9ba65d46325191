/** `kubectl handover hold` and `release`: an annotation on the run of a generation, which retention reads. */
import { isFinished } from "../api/conditions.ts";
import { type BackupRun, runs } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { type Hold, isInForce, releasedReason } from "../domain/holds.ts";
import type { Instant } from "../domain/instant.ts";
import { count } from "../domain/quantities.ts";
import { annotate } from "./annotate.ts";
import type { Parsed } from "./arguments.ts";
import { type Generation, isPresent } from "./catalogue.ts";
import { Failure, exitCodes, wrongUsage } from "./failure.ts";
import { formatHold, maxReasonLength, parseUntil, untilText } from "./hold-text.ts";
import { chooseGeneration, listRuns } from "./lookup.ts";
import { policyOption } from "./show.ts";
import { plain } from "./table.ts";
import { type Invocation, type Verb, printJson } from "./verb.ts";

/** Retention that runs at this moment may have read the annotations before. */
function whenItCounts(generation: Generation, listed: readonly BackupRun[]): string {
  const active = listed.find((run) => run.spec.policyName === generation.policy && !isFinished(run));
  return active === undefined
    ? "from the next retention on, which is part of the next run"
    : `from the next retention on; the run ${active.metadata.name} is under way, and if it prunes just now it may not have seen this`;
}

function tell(invocation: Invocation, generation: Generation, hold: string | null, text: string): number {
  const { args, terminal } = invocation;
  if (args.output === "json")
    printJson(invocation, {
      generation: generation.id,
      namespace: generation.namespace,
      policy: generation.policy,
      run: generation.run.metadata.name,
      hold,
    });
  else terminal.out(args.output === "name" ? `${plain(generation.id)}\n` : `${plain(text)}\n`);
  return exitCodes.fine;
}

const target = async (
  invocation: Invocation,
): Promise<{ readonly listed: readonly BackupRun[]; readonly generation: Generation }> => {
  const listed = await listRuns(invocation);
  return { listed, generation: await chooseGeneration(invocation, listed, invocation.args.operands[0] ?? "") };
};

const reasonIn = (args: Parsed): string => plain(args.text("reason") ?? "").trim();

function checkHold(args: Parsed): void {
  const reason = reasonIn(args);
  if (reason === "")
    throw wrongUsage("hold needs --reason: whoever meets it later has to know whether it may go", "hold");
  if (reason.length > maxReasonLength)
    throw wrongUsage(`--reason has ${reason.length} characters, at most ${maxReasonLength} are kept`, "hold");
}

async function runHold(invocation: Invocation): Promise<number> {
  const { args, now } = invocation;
  const reason = reasonIn(args);
  const asked = args.text("until");
  const until =
    asked === undefined || asked === "forever" ? "forever" : untilText(parseUntil(asked, now, "--until", "hold"));
  const { listed, generation } = await target(invocation);
  if (!isPresent(generation))
    throw new Failure(
      exitCodes.notSo,
      `${generation.id} lies nowhere any more, so there is nothing to hold`,
      `kubectl handover undelete -n ${generation.namespace} --policy ${generation.policy} ${generation.id}`,
    );
  const value = formatHold({ until, reason });
  await annotate<BackupRun>(invocation, runs, generation.run, annotations.hold, () => value);
  const needed = generation.chain.length;
  const bases = needed === 0 ? "" : ` What it needs stays with it: ${count(needed, "other generation")}.`;
  return tell(
    invocation,
    generation,
    value,
    `${generation.id} is held ${until === "forever" ? "until it is released" : `until ${until}`}, at every location where it lies: ${reason}.${bases} It counts ${whenItCounts(generation, listed)}.`,
  );
}

const isReleased = (known: Hold | undefined, now: Instant): boolean =>
  known?.reason === releasedReason && !isInForce(known, now);

async function runRelease(invocation: Invocation): Promise<number> {
  const { listed, generation } = await target(invocation);
  const { hold: known, takenBack, run } = generation;
  const back = takenBack.filter((one) => isInForce(one, invocation.now)).map(({ location }) => location);
  const isAnnotated = run.metadata.annotations?.[annotations.hold] !== undefined;
  if (back.length === 0 && (!isAnnotated || isReleased(known, invocation.now)))
    return tell(invocation, generation, null, `${generation.id} is not held; nothing was changed.`);
  // What was taken back is held by its place, which nobody reaches from here: the annotation tells the next prune that it has ended.
  const ended = back.length === 0 ? null : formatHold({ until: untilText(invocation.now), reason: releasedReason });
  await annotate<BackupRun>(invocation, runs, run, annotations.hold, () => ended);
  const also = back.length === 0 ? "" : `, also where it was taken back out of the trash: ${back.join(", ")}`;
  return tell(
    invocation,
    generation,
    ended,
    `${generation.id} is released${also}. The rules count for it again, ${whenItCounts(generation, listed)}.`,
  );
}

export const hold: Verb = {
  name: "hold",
  operands: { synopsis: "GENERATION|RUN", least: 1, most: 1 },
  summary: "keeps a generation whatever the rules say, with a reason and an end",
  details: [
    "Writes the annotation backup.handover.dev/hold to the run that made the generation. It holds at every location where the generation lies; what it is based on stays with it. A second hold replaces the first.",
  ],
  options: [
    { name: "reason", value: "TEXT", help: "why; required" },
    {
      name: "until",
      value: "DATE|DURATION",
      help: "2027-01-31 (to its end, in UTC), 2027-01-31T12:00:00Z, 30d, or forever, the default",
    },
    policyOption,
  ],
  examples: [
    ["kubectl handover hold 42 -n shop --reason 'before the migration' --until 30d", "for thirty days"],
    ["kubectl handover hold 42 -n shop --reason 'audit 2026'", "until it is released"],
  ],
  check: checkHold,
  run: runHold,
};

export const release: Verb = {
  name: "release",
  operands: { synopsis: "GENERATION|RUN", least: 1, most: 1 },
  summary: "ends the hold of a generation",
  details: [
    "Takes the annotation backup.handover.dev/hold away. What was taken back out of the trash is held for 7 days without one; to end that, the annotation gets the moment and says so. Nothing is removed by this; the rules count for the generation again from the next retention on.",
  ],
  options: [policyOption],
  examples: [["kubectl handover release 42 -n shop", "the rules count for it again"]],
  run: runRelease,
};
