/** `kubectl handover prune --simulate`: what retention would do, now and later. It changes nothing and has no other mode. */
import { type BackupPolicy, type BackupRun } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import type { GenerationType } from "../domain/generation.ts";
import type { Instant } from "../domain/instant.ts";
import type { Parsed } from "./arguments.ts";
import { type Generation, catalogueOf } from "./catalogue.ts";
import { Failure, exitCodes, wrongUsage } from "./failure.ts";
import { futureRuns, mostRuns } from "./future-runs.ts";
import { parseUntil } from "./hold-text.ts";
import { getPolicy, listRuns } from "./lookup.ts";
import { type Forecast, forecastJson, renderForecast } from "./prune-text.ts";
import { digestOf } from "./retention-planner.ts";
import { type PlaceRecord, recordAt } from "./retention-record.ts";
import { type GivenRules, effectiveRules, parseKeep, timeZoneOf } from "./retention-rules.ts";
import { type SimulatedGeneration, type SimulatedLocation, nothing, simulate } from "./simulation.ts";
import { type Invocation, type Verb, printJson } from "./verb.ts";

const lies = (state: string): boolean => state === "Stored" || state === "Verified";

const simulated = (generation: Generation, now: Instant): SimulatedGeneration => ({
  id: generation.id,
  seq: generation.seq,
  type: generation.type,
  time: generation.time ?? now,
  bytes: generation.run.status?.generation?.storedBytes,
  chain: generation.chain,
  assumed: false,
});

function locationOf(
  name: string,
  policy: BackupPolicy,
  generations: readonly Generation[],
  given: GivenRules,
  record: PlaceRecord,
): SimulatedLocation {
  const here = generations.flatMap((generation) => {
    const copy = generation.copies.find(({ location, state }) => location === name && lies(state));
    return copy === undefined ? [] : [{ generation, counts: copy.counts }];
  });
  const idsOf = (is: (generation: Generation) => boolean): readonly string[] =>
    here.flatMap(({ generation }) => (is(generation) ? [generation.id] : []));
  const { left, waiting } = record;
  return {
    name,
    rules: effectiveRules(policy, name, given),
    present: new Map(here.map(({ generation: { id }, counts }) => [id, counts])),
    left: left === undefined ? undefined : new Set(idsOf(({ seq }) => left(seq))),
    due: idsOf(({ seq }) => record.isDue(seq)),
    holds: here.flatMap(({ generation: { id, takenBack } }) =>
      takenBack.flatMap(({ location, ...hold }) => (location === name ? [{ id, ...hold }] : [])),
    ),
    former: new Set(idsOf(({ seq, run }) => record.isFormer(seq) || isOfAnother(run, policy))),
    acknowledged:
      waiting !== undefined && isAcknowledged(policy, waiting.digest)
        ? { ids: waiting.ids, isPlan: (ids) => digestOf(ids) === waiting.digest }
        : nothing,
  };
}

/** Its generations lie in the directory that this policy has taken over, and no rule of it counts them. */
const isOfAnother = ({ status }: BackupRun, { metadata }: BackupPolicy): boolean =>
  status?.policyUID !== undefined && status.policyUID !== metadata.uid;

const isAcknowledged = ({ metadata }: BackupPolicy, digest: string): boolean =>
  (metadata.annotations?.[annotations.acknowledgePrune] ?? "")
    .split(",")
    .some((part) => /^[0-9a-f]{12,64}$/.test(part.trim()) && digest.startsWith(part.trim()));

/** What is sealed at the source and has not come to a required sink. One that was pruned there has been there. */
function undeliveredOf(generations: readonly Generation[]): ReadonlyMap<string, readonly string[]> {
  const waiting = generations.flatMap(({ id, copies }) => {
    const atSource = copies.some(({ location, state }) => location === "source" && lies(state));
    const sinks = copies
      .filter(
        ({ location, required, counts, state }) => location !== "source" && required && !counts && state !== "Pruned",
      )
      .map(({ location }) => location);
    return atSource && sinks.length > 0 ? [[id, sinks] as const] : [];
  });
  return new Map(waiting);
}

/** The middle one of the newest seven. */
function typicalBytes(generations: readonly Generation[]): (type: GenerationType) => number | undefined {
  return (type) => {
    const sizes = generations
      .filter((generation) => generation.type === type)
      .flatMap(({ run }) => run.status?.generation?.storedBytes ?? [])
      .slice(0, 7)
      .toSorted((a, b) => a - b);
    return sizes[Math.floor((sizes.length - 1) / 2)];
  };
}

/** Some seconds of work. */
const manyRuns = 2_000;

export function forecast(
  policy: BackupPolicy,
  runs: readonly BackupRun[],
  asked: {
    readonly keep: readonly string[];
    readonly until: Instant | undefined;
    readonly now: Instant;
    readonly say?: (text: string) => void;
  },
): Forecast {
  const { now, until } = asked;
  const { namespace, name } = policy.metadata;
  const generations = catalogueOf(runs).filter((one) => one.policy === name && one.namespace === namespace);
  const names = ["source", ...policy.spec.sinks.map((sink) => sink.name)];
  const given = parseKeep(asked.keep, names);
  const future = until === undefined || policy.spec.suspend ? [] : futureRuns(policy.spec, now, until);
  if (future === undefined)
    throw new Failure(
      exitCodes.usage,
      `there are more than ${mostRuns} runs until then; name an earlier --until`,
      "kubectl handover prune --help",
    );
  const own = runs.filter(({ metadata, spec }) => metadata.namespace === namespace && spec.policyName === name);
  const records = new Map(names.map((location) => [location, recordAt(location, own)]));
  const locations = names.map((location) =>
    locationOf(location, policy, generations, given, records.get(location) ?? recordAt(location, [])),
  );
  if (future.length > manyRuns) asked.say?.(`simulating ${future.length} runs, which takes a while\n`);
  const outcomes = simulate({
    generations: generations.map((generation) => simulated(generation, now)),
    locations,
    undelivered: undeliveredOf(generations),
    holds: generations.flatMap(({ id, hold }) => (hold === undefined ? [] : [{ id, ...hold }])),
    timeZone: timeZoneOf(policy),
    now,
    future,
    maxChain: policy.spec.maxChain,
    typicalBytes: typicalBytes(generations),
  });
  const found = new Map(policy.status?.locations?.map((location) => [location.name, location]));
  return {
    namespace,
    policy: name,
    now,
    until,
    suspended: policy.spec.suspend,
    runs: future.length,
    isGiven: given.size > 0,
    locations: outcomes.map((outcome) => ({
      ...outcome,
      known: locations.find((location) => location.name === outcome.name)?.present.size ?? 0,
      found: found.get(outcome.name)?.generations,
      foundAt: found.get(outcome.name)?.observedAt,
      record: recordFor(records.get(outcome.name)),
    })),
  };
}

const recordFor = (record: PlaceRecord | undefined): Forecast["locations"][number]["record"] => ({
  isComplete: record?.left !== undefined && !record.isPartial,
  waiting: record?.waiting,
});

function checkPrune(args: Parsed): void {
  if (!args.has("simulate"))
    throw wrongUsage(
      "prune needs --simulate: it changes nothing. What the rules let go is removed by the operator, after each run",
      "prune",
    );
}

async function runPrune(invocation: Invocation): Promise<number> {
  const { args, terminal, now } = invocation;
  const text = args.text("until");
  const until = text === undefined ? undefined : parseUntil(text, now, "--until", "prune");
  const policy = await getPolicy(invocation, args.operands[0] ?? "");
  const seen = forecast(policy, await listRuns(invocation), {
    keep: args.texts("keep"),
    until,
    now,
    say: terminal.err,
  });
  if (args.output === "json") printJson(invocation, forecastJson(seen));
  else if (args.output === "name") {
    const going = seen.locations.flatMap((location) =>
      location.now.remove.map(({ generation }) => `${location.name}/${generation.id}\n`),
    );
    terminal.out(going.join(""));
  } else terminal.out(renderForecast(seen));
  return exitCodes.fine;
}

export const prune: Verb = {
  name: "prune",
  operands: { synopsis: "POLICY", least: 1, most: 1 },
  summary:
    "with --simulate: what retention would keep and remove, now and until a date, with the rules as they are or others",
  details: [
    "Changes nothing. Plans with the operator's own retention, over the copies that runs have on record, and with what the last prune at each location has on record: what it left, what the rules had let go by then, what was taken back out of the trash. A plan that would wait for an acknowledgement is shown with the command. The next run brings a generation of its own, which takes its place under the rules: --until shows that. With --until, each slot of the schedules is assumed to make a generation that arrives, is verified, and is as large as the newest ones of its type.",
    "--keep takes the place of the rules of every location, or with a name in front of it of that location alone. A rule that is not named is off; minVerified stays as the policy has it unless it is named, and at the source last is 2, as in a policy. Rules that a policy would not accept are refused.",
    "With -o name: location/generation of what would go now.",
  ],
  options: [
    { name: "simulate", help: "required" },
    {
      name: "keep",
      value: "[LOCATION:]RULE=N,...",
      multiple: true,
      help: "other rules: last, hourly, daily, weekly, monthly, yearly, maxAge, minVerified",
    },
    { name: "until", value: "DATE|DURATION", help: "also the runs until then, such as 2027-01-31 or 60d" },
  ],
  examples: [
    ["kubectl handover prune shop -n shop --simulate", "what would go at each location, and why the rest stays"],
    [
      "kubectl handover prune shop -n shop --simulate --keep last=7,daily=14 --until 90d",
      "before these rules are written into the policy",
    ],
    ["kubectl handover prune shop -n shop --simulate --keep vault:monthly=12,last=3", "at one location"],
  ],
  check: checkPrune,
  run: runPrune,
};
