/** `kubectl handover list`: the generations, newest first, and what lies at each location in all. */
import { type BackupPolicy, policies } from "../api/kinds.ts";
import { releasedReason } from "../domain/holds.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import { count, formatBytes } from "../domain/quantities.ts";
import { unknownAt } from "./adoption-hint.ts";
import { type Copy, type Generation, catalogueOf, isPresent } from "./catalogue.ts";
import { exitCodes } from "./failure.ts";
import { generationJson } from "./generation-json.ts";
import { holdsInForce } from "./hold-text.ts";
import { getPolicy, listRuns } from "./lookup.ts";
import { age, plain, renderTable, shortTime } from "./table.ts";
import { type Invocation, type Verb, printJson } from "./verb.ts";

const policyKey = (namespace: string, name: string): string => `${namespace}/${name}`;

/** Locations of the policy in its order, then those that only runs know of: a sink that was taken out of the policy. */
export function locationsOf(policy: BackupPolicy | undefined, generations: readonly Generation[]): readonly string[] {
  const named = policy === undefined ? [] : ["source", ...policy.spec.sinks.map(({ name }) => name)];
  return [...new Set([...named, ...generations.flatMap(({ copies }) => copies.map(({ location }) => location))])];
}

const copyCell = (copy: Copy | undefined): string =>
  copy === undefined ? "" : `${copy.state}${copy.code === undefined ? "" : ` (${copy.code})`}`;

/** `000040 +2`: the full one, and how many lie between; `?` when a member of the chain is known to no run. */
const needs = ({ chain, unknownInChain }: Generation): string => {
  const first = chain[0];
  if (first === undefined) return "";
  return `${first.slice(0, 6)}${chain.length > 1 ? ` +${chain.length - 1}` : ""}${unknownInChain.length > 0 ? " ?" : ""}`;
};

function holdCell(generation: Generation, now: Instant): string {
  const [longest] = holdsInForce(generation, now);
  if (longest !== undefined) return longest.until.slice(0, 10);
  return generation.hold === undefined || generation.hold.reason === releasedReason ? "" : "expired";
}

export function renderGenerations(
  generations: readonly Generation[],
  locations: readonly string[],
  now: Instant,
): string {
  const head = [
    "GENERATION",
    "TYPE",
    "TIME (UTC)",
    "AGE",
    "SIZE",
    ...locations.map((name) => name.toUpperCase()),
    "NEEDS",
    "RESTORE FROM",
    "HELD",
    "RUN",
  ];
  const rows = generations.map((generation) => [
    generation.id,
    generation.type,
    shortTime(generation.time),
    age(generation.time, now),
    sizeOf(generation),
    ...locations.map((name) => copyCell(generation.copies.find(({ location }) => location === name))),
    needs(generation),
    generation.restorableFrom.join(","),
    holdCell(generation, now),
    runCell(generation),
  ]);
  return renderTable(head, rows);
}

const sizeOf = ({ run }: Generation): string => {
  const bytes = run.status?.generation?.storedBytes;
  return bytes === undefined ? "" : formatBytes(bytes);
};

/** What is not complete yet, or never was, says so. */
const runCell = ({ run }: Generation): string => {
  const result = run.status?.result ?? "";
  return result === "Complete" ? run.metadata.name : `${run.metadata.name} (${result === "" ? "running" : result})`;
};

export function renderTotals(policy: BackupPolicy, now: Instant): string {
  const seen = policy.status?.locations ?? [];
  if (seen.length === 0) return "No location has been looked at yet.\n";
  return renderTable(
    ["LOCATION", "GENERATIONS", "VERIFIED", "SIZE", "FREE", "OLDEST", "NEWEST", "SEEN"],
    seen.map((location) => [
      location.name,
      location.generations === undefined ? "" : String(location.generations),
      location.verified === undefined ? "" : String(location.verified),
      location.bytes === undefined ? "" : formatBytes(location.bytes),
      location.freeBytes === undefined ? "" : formatBytes(location.freeBytes),
      location.oldest ?? "",
      location.newest ?? "",
      location.observedAt === undefined ? "" : `${age(parseInstant(location.observedAt), now)} ago`,
    ]),
  );
}

function renderNone(policy: BackupPolicy | undefined, all: readonly Generation[]): string {
  const unknown = policy === undefined ? undefined : unknownAt(policy, all);
  const hint =
    unknown === undefined
      ? ""
      : ` But ${count(unknown.found, "generation")} ${unknown.found === 1 ? "was" : "were"} found at ${unknown.location}; to make runs of what lies there:\n  ${unknown.next}`;
  return `No run tells of a generation.${hint}\n`;
}

async function runList(invocation: Invocation): Promise<number> {
  const { args, terminal, namespace, cluster, now } = invocation;
  const [name] = args.operands;
  const wanted =
    name === undefined
      ? await cluster.list<BackupPolicy>(policies, { namespace })
      : [await getPolicy(invocation, name)];
  const all = catalogueOf(await listRuns(invocation)).filter(({ policy }) => name === undefined || policy === name);
  const shown = args.has("all") ? all : all.filter(isPresent);
  if (args.output === "json") {
    const locations = wanted.map(({ metadata, status }) => ({
      namespace: metadata.namespace,
      policy: metadata.name,
      locations: status?.locations ?? [],
      pendingHandovers: status?.pendingHandovers ?? 0,
    }));
    printJson(invocation, {
      generations: shown.map((generation) => generationJson(generation, now)),
      policies: locations,
    });
    return exitCodes.fine;
  }
  if (args.output === "name") {
    terminal.out(shown.map(({ id }) => `${plain(id)}\n`).join(""));
    return exitCodes.fine;
  }
  const byKey = new Map(wanted.map((policy) => [policyKey(policy.metadata.namespace, policy.metadata.name), policy]));
  const keys = [...new Set([...byKey.keys(), ...shown.map((one) => policyKey(one.namespace, one.policy))])].toSorted();
  if (keys.length === 0)
    terminal.out(`There is no BackupPolicy ${namespace === "" ? "in the cluster" : `in namespace ${namespace}`}.\n`);
  keys.forEach((key, at) => {
    const policy = byKey.get(key);
    const own = shown.filter((one) => policyKey(one.namespace, one.policy) === key);
    terminal.out(`${at === 0 ? "" : "\n"}${plain(key)}${policy === undefined ? " (the policy is gone)" : ""}\n`);
    terminal.out(own.length === 0 ? renderNone(policy, all) : renderGenerations(own, locationsOf(policy, own), now));
    if (policy !== undefined) terminal.out(`\n${renderTotals(policy, now)}`);
  });
  const hidden = all.length - shown.length;
  if (hidden > 0)
    terminal.err(
      `${count(hidden, "generation")} that ${hidden === 1 ? "lies" : "lie"} nowhere any more not shown; --all shows them\n`,
    );
  return exitCodes.fine;
}

export const list: Verb = {
  name: "list",
  operands: { synopsis: "[POLICY]", least: 0, most: 1 },
  summary: "generations, newest first, with their copies at each location",
  details: [
    "What the runs have on record, those AtRisk included. A copy counts once it is Verified: every byte was read again at its location and equals the manifest. " +
      "NEEDS names the full generation that a later one is based on, and how many lie between. RESTORE FROM has the locations where the generation and all that it needs count.",
    "The second table is what was found at each location when it was last looked at. If it has more than the first, runs were deleted: the data is there, restores find it, and adopt makes runs of it.",
  ],
  options: [{ name: "all", help: "also what lies nowhere any more" }],
  allNamespaces: true,
  examples: [
    ["kubectl handover list -n shop", "every policy of the namespace"],
    ["kubectl handover list shop -n shop -o name", "ids, one a line"],
    ["kubectl handover list -A -o json", "everything, for scripts"],
  ],
  run: runList,
};
