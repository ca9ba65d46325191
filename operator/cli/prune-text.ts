/** The simulation for people and for scripts. Pure. */
import { type Instant, parseInstant } from "../domain/instant.ts";
import { count, formatBytes } from "../domain/quantities.ts";
import { adoptCommand } from "./adoption-hint.ts";
import { acknowledgeCommand } from "./plan-record.ts";
import { digestOf } from "./retention-planner.ts";
import type { PlaceRecord } from "./retention-record.ts";
import { describeRules } from "./retention-rules.ts";
import type { LocationOutcome, Removal, SimulatedGeneration } from "./simulation.ts";
import { exactTime, renderTable, shortTime } from "./table.ts";

export interface ForecastLocation extends LocationOutcome {
  /** Generations that runs know to lie there. */
  readonly known: number;
  /** How many were found there when it was last looked at. */
  readonly found: number | undefined;
  readonly foundAt: string | undefined;
  readonly record: {
    /** What the last prune there let go is known, of all that lies there. */
    readonly isComplete: boolean;
    readonly waiting: PlaceRecord["waiting"];
  };
}

export interface Forecast {
  readonly namespace: string;
  readonly policy: string;
  readonly now: Instant;
  readonly until: Instant | undefined;
  readonly suspended: boolean;
  readonly runs: number;
  /** The rules are not those of the policy. */
  readonly isGiven: boolean;
  readonly locations: readonly ForecastLocation[];
}

const sizeOf = ({ bytes }: SimulatedGeneration): string => (bytes === undefined ? "" : formatBytes(bytes));
/** `4.1 GiB`, and a plus where some sizes are not known. */
const sum = (generations: readonly SimulatedGeneration[]): string => {
  const bytes = generations.reduce((total, one) => total + (one.bytes ?? 0), 0);
  return `${formatBytes(bytes)}${generations.some((one) => one.bytes === undefined) ? " or more" : ""}`;
};
const idOf = ({ id, assumed }: SimulatedGeneration): string => (assumed ? `+ ${id}` : id);

function atOnce({ now }: ForecastLocation): string {
  const rows = [
    ...now.keep.map(({ generation, why }) => ({ generation, verdict: "stays", why: why.join("; ") })),
    ...now.remove.map(({ generation, why }) => ({ generation, verdict: "goes", why })),
    ...now.proposed.map(({ generation, why }) => ({ generation, verdict: "asked", why })),
  ].toSorted((a, b) => b.generation.seq - a.generation.seq);
  if (rows.length === 0) return "  No run knows of a generation here.\n";
  return renderTable(
    ["GENERATION", "TYPE", "TIME (UTC)", "SIZE", "NOW", "WHY"],
    rows.map(({ generation, verdict, why }) => [
      generation.id,
      generation.type,
      shortTime(generation.time),
      sizeOf(generation),
      verdict,
      why,
    ]),
    "  ",
  );
}

const removalsTable = (removals: readonly Removal[]): string =>
  renderTable(
    ["REMOVED (UTC)", "GENERATION", "TYPE", "SIZE", "WHY"],
    removals.map(({ at, generation, why }) => [
      shortTime(at),
      idOf(generation),
      generation.type,
      sizeOf(generation),
      why,
    ]),
    "  ",
  );

/** What is assumed to come and go again is not listed one by one: hourly dumps would fill pages. */
function later({ later: { keep, remove, refused } }: ForecastLocation, until: Instant): string {
  const own = remove.filter(({ generation }) => !generation.assumed);
  const passing = remove.length - own.length;
  const parts = [own.length === 0 ? "  Of the present ones none goes.\n" : removalsTable(own)];
  if (passing > 0)
    parts.push(
      `  Of those to come, ${count(passing, "generation")} will have come and gone, ${sum(remove.filter(({ generation }) => generation.assumed).map(({ generation }) => generation))} in all.\n`,
    );
  if (refused !== undefined)
    parts.push(
      `  On ${exactTime(refused.at)} and ${refused.times === 1 ? "only then" : `at ${refused.times} runs`} nothing is removed: ${refused.why}\n`,
    );
  parts.push(
    `  Left on ${exactTime(until)}: ${count(keep.length, "generation")}, ${sum(keep.map(({ generation }) => generation))}. + is assumed to come.\n`,
  );
  parts.push(
    renderTable(
      ["GENERATION", "TYPE", "TIME (UTC)", "SIZE", "WHY"],
      keep.map(({ generation, why }) => [
        idOf(generation),
        generation.type,
        shortTime(generation.time),
        sizeOf(generation),
        why.join("; "),
      ]),
      "  ",
    ),
  );
  return parts.join("");
}

/** With the plan that would wait, and how it is allowed: a command that comes too early allows nothing. */
function refusal({ now, record }: ForecastLocation, { namespace, policy, isGiven }: Forecast): string {
  const lines = [`Nothing is removed: ${now.refused}`];
  const caution = record.isComplete
    ? []
    : [
        "CAUTION: not all that the rules had let go before is on record here, and that does not count for the half: the next run may remove these without asking.",
      ];
  const digest = now.proposed.length === 0 ? undefined : digestOf(now.proposed.map(({ generation }) => generation.id));
  if (digest !== undefined) {
    const { waiting } = record;
    const isWaiting = waiting?.digest === digest;
    const when = isWaiting
      ? "It waits"
      : `Once ${isGiven ? "the policy has these rules and " : ""}a run has made this plan`;
    lines.push(
      ...caution,
      `The plan ${digest.slice(0, 12)} ${isWaiting ? "waits" : "would wait"}: ${count(now.proposed.length, "generation")}, ${sum(now.proposed.map(({ generation }) => generation))}, asked above.`,
      "The next run brings a generation more, so it may plan otherwise.",
      `${when}; to allow it:`,
      `  ${acknowledgeCommand(namespace, policy, digest)}`,
    );
    if (waiting !== undefined && !isWaiting)
      lines.push(
        `On record another one waits, of ${count(waiting.removes, "generation")}; to allow that:`,
        `  ${acknowledgeCommand(namespace, policy, waiting.digest)}`,
      );
  }
  return lines.map((line) => `  ${line}\n`).join("");
}

function section(location: ForecastLocation, forecast: Forecast): string {
  const { until, runs } = forecast;
  const { name, rules, known, found, foundAt, now } = location;
  const parts = [`${name}: ${describeRules(rules)}\n`];
  if (found !== undefined && found !== known)
    parts.push(
      `  CAUTION: runs know of ${count(known, "generation")} here, and ${found} were found${foundAt === undefined ? "" : ` on ${foundAt}`}. What is not known is not in this plan.${found > known ? ` To make it known: ${adoptCommand(forecast.namespace, forecast.policy, name)}` : ""}\n`,
    );
  parts.push(atOnce(location));
  if (now.refused !== undefined) parts.push(refusal(location, forecast));
  else
    parts.push(
      `  ${now.remove.length === 0 ? "Nothing goes" : `${count(now.remove.length, "generation")} would go, ${sum(now.remove.map(({ generation }) => generation))}`}.\n`,
    );
  if (until !== undefined && runs > 0)
    parts.push(`\n  With ${count(runs, "run")} until ${exactTime(until)}\n`, later(location, until));
  return parts.join("");
}

export function renderForecast(forecast: Forecast): string {
  const { namespace, policy, until, runs, suspended, isGiven } = forecast;
  const lines = [
    `${namespace}/${policy}: ${isGiven ? "other rules than the policy's" : "the rules as the policy has them"}. SIMULATED: nothing was changed.`,
    "It rests on what runs have on record of the copies, not on a look at the locations" +
      (until === undefined || runs === 0
        ? ". The next run brings a generation of its own, which takes its place under the rules: --until shows that."
        : ", and on schedules as they are: each run is assumed to succeed, and each generation to be as large as the newest of its type."),
  ];
  if (until !== undefined && runs === 0)
    lines.push(
      suspended ? "The policy is suspended: no run is going to start by itself." : "No schedule has a slot until then.",
    );
  const parts = forecast.locations.map((location) => section(location, forecast));
  return `${lines.join("\n")}\n\n${parts.join("\n")}`;
}

const generationJson = (generation: SimulatedGeneration): Readonly<Record<string, unknown>> => ({
  id: generation.id,
  type: generation.type,
  time: exactTime(generation.time),
  bytes: generation.bytes ?? null,
  assumed: generation.assumed,
});
const removalJson = ({ at, generation, why }: Removal): Readonly<Record<string, unknown>> => ({
  ...generationJson(generation),
  at: exactTime(at),
  why,
});
const keptJson = (kept: LocationOutcome["now"]["keep"]): readonly unknown[] =>
  kept.map(({ generation, why }) => ({ ...generationJson(generation), why }));

export const forecastJson = (forecast: Forecast): unknown => ({
  simulated: true,
  namespace: forecast.namespace,
  policy: forecast.policy,
  now: exactTime(forecast.now),
  until: forecast.until === undefined ? null : exactTime(forecast.until),
  suspended: forecast.suspended,
  runs: forecast.runs,
  locations: forecast.locations.map(({ name, rules, known, found, foundAt, now, later: end }) => ({
    name,
    rules,
    known,
    found: found ?? null,
    foundAt: parseInstant(foundAt) === undefined ? null : foundAt,
    now: {
      keep: keptJson(now.keep),
      remove: now.remove.map(removalJson),
      refused: now.refused ?? null,
      proposed: now.proposed.map(removalJson),
      plan: now.proposed.length === 0 ? null : digestOf(now.proposed.map(({ generation }) => generation.id)),
    },
    later:
      forecast.until === undefined
        ? null
        : {
            keep: keptJson(end.keep),
            remove: end.remove.map(removalJson),
            refused: end.refused === undefined ? null : { ...end.refused, at: exactTime(end.refused.at) },
          },
  })),
});
