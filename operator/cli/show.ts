/** `kubectl handover show`: everything that is known of one generation, or of a run that made none. */
import type { BackupRun } from "../api/kinds.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import { count, formatBytes } from "../domain/quantities.ts";
import { type Generation, catalogueOf, dependents } from "./catalogue.ts";
import { adviceLines } from "./advice-text.ts";
import { exitCodes } from "./failure.ts";
import { generationJson } from "./generation-json.ts";
import { tellHolds } from "./hold-text.ts";
import { chooseGeneration, listRuns } from "./lookup.ts";
import { type Verdict, verdictsOf } from "./plan-record.ts";
import { restoreCommands } from "./restore-commands.ts";
import { age, plain, renderFields, renderTable, shortTime } from "./table.ts";
import { type Invocation, type Verb, printJson } from "./verb.ts";

const bytesText = (bytes: number | undefined): string | undefined =>
  bytes === undefined ? undefined : `${formatBytes(bytes)} (${bytes} bytes)`;

function facts(generation: Generation, now: Instant): string {
  const { run, chain } = generation;
  const recorded = run.status?.generation;
  const based = generation.parent === "" ? "stands alone" : `based on ${generation.parent}`;
  return renderFields([
    ["Generation", generation.id],
    ["Policy", `${generation.namespace}/${generation.policy}`],
    ["Type", `${generation.type}, ${based}`],
    [
      "Time",
      generation.time === undefined ? undefined : `${shortTime(generation.time)} UTC, ${age(generation.time, now)} ago`,
    ],
    ["Sealed", recorded?.sealedAt],
    ["Consistency", recorded?.consistency],
    ["State", bytesText(recorded?.bytes)],
    ["Stored", bytesText(recorded?.storedBytes)],
    ["Files", recorded?.files === undefined ? undefined : String(recorded.files)],
    ["Tables", recorded?.tables === undefined ? undefined : String(recorded.tables)],
    ["Manifest", recorded?.manifestSHA256 === undefined ? undefined : `sha256 ${recorded.manifestSHA256}`],
    [
      "Run",
      `${run.metadata.name}, ${run.status?.result === "" || run.status?.result === undefined ? "running" : run.status.result}`,
    ],
    ["Needs", chain.length === 0 ? undefined : count(chain.length, "other generation")],
    ["Held", tellHolds(generation, now)],
  ]);
}

const whyText = (verdict: Verdict | undefined): string => {
  if (verdict === undefined) return "not planned yet";
  if (verdict.remove !== undefined) return `to be removed: ${verdict.remove}`;
  return verdict.kept.join("; ");
};

function copiesTable(generation: Generation, verdicts: readonly Verdict[]): string {
  const rows = generation.copies.map((copy) => {
    const verdict = verdicts.find(({ location }) => location === copy.location);
    const there = copy.state === "Stored" || copy.state === "Verified";
    return [
      copy.location,
      `${copy.state}${copy.code === undefined ? "" : ` (${copy.code})`}`,
      copy.required ? "yes" : "no",
      shortTime(parseInstant(copy.time)),
      there ? whyText(verdict) : "",
      there && verdict !== undefined ? shortTime(parseInstant(verdict.plannedAt)) : "",
    ];
  });
  return renderTable(["LOCATION", "STATE", "REQUIRED", "SINCE (UTC)", "WHY KEPT", "PLANNED (UTC)"], rows, "  ");
}

function chainTable(generation: Generation, all: readonly Generation[]): string {
  const rows = generation.chain.map((id) => {
    const member = all.find((other) => other.id === id && other.policy === generation.policy);
    if (member === undefined) return [id, "", "", "no run tells of it"];
    const size = member.run.status?.generation?.storedBytes;
    return [
      id,
      member.type,
      size === undefined ? "" : formatBytes(size),
      member.copies.map(({ location, state }) => `${location} ${state}`).join(", "),
    ];
  });
  return renderTable(["NEEDS, OLDEST FIRST", "TYPE", "SIZE", "COPIES"], rows, "  ");
}

function restoreText(generation: Generation): string {
  const { planned, atOnce, plain: byHand } = restoreCommands(generation);
  if (generation.restorableFrom.length === 0)
    return "Restore: no location has a verified copy of it and of all that it needs.\n";
  return [
    `Restore from ${generation.restorableFrom.join(", ")}. With a plan first; nothing changes before the last line:`,
    ...planned.map((line) => `  ${line}`),
    "At once, which replaces what is there now:",
    `  ${atOnce}`,
    "Without Handover, where a copy is mounted:",
    `  ${byHand}`,
    "",
  ].join("\n");
}

function renderShown(
  generation: Generation,
  all: readonly Generation[],
  verdicts: readonly Verdict[],
  now: Instant,
): string {
  const after = dependents(generation, all);
  const parts = [facts(generation, now), `Copies\n${copiesTable(generation, verdicts)}`];
  const refused = verdicts.flatMap(({ location, refused: why }) =>
    why === undefined ? [] : [`  ${location}: ${plain(why)}\n`],
  );
  if (refused.length > 0) parts.push(`Nothing is removed at\n${refused.join("")}`);
  if (generation.chain.length > 0) parts.push(`Chain\n${chainTable(generation, all)}`);
  if (after.length > 0) parts.push(`Needed by\n${after.map(({ id }) => `  ${plain(id)}\n`).join("")}`);
  const advice = generation.run.status?.advice ?? "";
  if (advice !== "") parts.push(`Advice\n${adviceLines(advice, "  ")}`);
  parts.push(restoreText(generation));
  return parts.join("\n");
}

/** A run without a generation: why there is none. */
function renderRun({ metadata, spec, status }: BackupRun): string {
  const result = status?.result ?? "";
  const head = renderFields([
    ["Run", `${metadata.namespace}/${metadata.name}`],
    ["Policy", spec.policyName],
    ["Type", spec.type],
    ["Result", result === "" ? `none yet, ${status?.phase ?? "not accepted yet"}` : result],
    ["App", status?.app],
    ["Generation", "none"],
  ]);
  const advice = status?.advice ?? "";
  const steps = (status?.steps ?? []).map(({ name, state, attempt, code, message }) => [
    name,
    state,
    attempt === undefined ? "" : String(attempt),
    code ?? "",
    (message ?? "").slice(0, 120),
  ]);
  return [
    head,
    ...(advice === "" ? [] : [`Advice\n${adviceLines(advice, "  ")}`]),
    ...(steps.length === 0 ? [] : [renderTable(["STEP", "STATE", "ATTEMPT", "CODE", "MESSAGE"], steps, "  ")]),
  ].join("\n");
}

async function runShow(invocation: Invocation): Promise<number> {
  const { args, terminal, now } = invocation;
  const text = args.operands[0] ?? "";
  const runs = await listRuns(invocation);
  const bare = runs.find((run) => run.metadata.name === text && run.status?.generation?.id === undefined);
  if (bare !== undefined) {
    if (args.output === "json")
      printJson(invocation, { run: bare.metadata.name, generation: null, status: bare.status ?? null });
    else terminal.out(args.output === "name" ? `${plain(bare.metadata.name)}\n` : renderRun(bare));
    return exitCodes.fine;
  }
  const generation = await chooseGeneration(invocation, runs, text);
  const all = catalogueOf(runs);
  const verdicts = verdictsOf(generation, runs);
  if (args.output === "json") {
    printJson(invocation, {
      ...generationJson(generation, now),
      app: generation.run.status?.app ?? null,
      advice: generation.run.status?.advice ?? "",
      retention: verdicts.map(({ location, plannedAt, run, kept, remove, refused }) => ({
        location,
        plannedAt,
        run,
        kept,
        remove: remove ?? null,
        refused: refused ?? null,
      })),
      neededBy: dependents(generation, all).map(({ id }) => id),
      restore: generation.restorableFrom.length === 0 ? null : restoreCommands(generation),
    });
  } else
    terminal.out(args.output === "name" ? `${plain(generation.id)}\n` : renderShown(generation, all, verdicts, now));
  return exitCodes.fine;
}

export const policyOption = {
  name: "policy",
  value: "NAME",
  help: "policy of the generation; needed where two have the same number",
};

export const show: Verb = {
  name: "show",
  operands: { synopsis: "GENERATION|RUN", least: 1, most: 1 },
  summary: "everything about one generation: copies, why they are kept, what it needs, how to restore it",
  details: [
    "The generation is named by its id, by its number, or by the run that made it. Why it is kept is what retention has planned when it was last at each location; " +
      "what came after that says that it is not planned yet.",
  ],
  options: [policyOption],
  examples: [
    ["kubectl handover show 42 -n shop", "the generation with that number"],
    ["kubectl handover show shop-nightly-20261121-0200 -n shop", "what that run has made, or why it has made nothing"],
    ["kubectl handover show 42 -n shop -o json | jq -r .restore.atOnce | sh", "restore it; replaces what is there now"],
  ],
  run: runShow,
};
