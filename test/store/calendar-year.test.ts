/**
 * A year of the handbook's calendar in virtual time, in real directories: full on Sundays, incremental on the other nights, a dump every
 * hour, a full one for the archive on the first of the month. Nights fail, and the vault is away for days. After each night, when both
 * were pruned, what lies at source and vault is looked at by eyes of its own: whatever is there is whole with all that it needs, and
 * what the rules promise is there.
 */
import { afterAll, expect, jest, test } from "@jest/globals";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskOf } from "../../operator/contract/task.ts";
import type { GenerationType } from "../../operator/domain/generation.ts";
import { type Instant, formatInstant, parseInstant } from "../../operator/domain/instant.ts";
import { nextSlot } from "../../operator/domain/schedule.ts";
import type { GenerationEntry } from "../../operator/mover/store/listing.ts";
import { directFiles } from "../support/direct-files.ts";
import { addGeneration, common, createBench, sha256 } from "../support/generations.ts";
import { inMemory } from "../support/memory.ts";
import { leaveTally } from "./calendar/tally.ts";

jest.setTimeout(3_600_000);
jest.unstable_mockModule("node:fs/promises", directFiles);
const { prune } = await import("../../operator/mover/steps/prune.ts");
const { readGeneration } = await import("../../operator/mover/store/listing.ts");
const { forgetRemoved, readMarkers, writeMarker } = await import("../../operator/mover/store/markers.ts");

const timeZone = "Europe/Berlin";
const calendar: readonly { readonly type: GenerationType; readonly cron: string }[] = [
  { type: "Full", cron: "0 3 * * 0" },
  { type: "Incremental", cron: "0 2 * * 1-6" },
  { type: "Database", cron: "0 * * * *" },
  { type: "Full", cron: "0 4 1 * *" },
];
const rules = { last: 7, hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 3, minVerified: 2 } as const;
const firstNight = parseInstant("2027-01-01T00:00:00Z") ?? 0;
const day = 86_400_000;

const bench = createBench(["vault"], inMemory);
afterAll(() => bench.remove());

const sink = { name: "vault", uuid: "vault-uuid" };
const pruneTask = (location: { readonly name: string; readonly uuid: string }): TaskOf<"prune"> => ({
  ...common,
  step: "prune",
  location,
  keep: location.name === "source" ? { last: 2, minVerified: 1 } : rules,
  verify: "Full",
  requiredSinks: location.name === "source" ? [{ ...sink, verify: "Full" as const }] : [],
  acknowledged: [],
  timeZone,
  trashMillis: day,
  holds: [],
  known: { since: 1, ranges: "" },
});
const places = { source: { name: "source", uuid: "source-uuid" }, vault: sink };

/** A few bits of luck, the same in each run. */
function luck(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const random = luck(20_261_129);

let unrestorable = 0;
/** Of every one that was made, what it has to be for ever. */
const sealed = new Map<string, GenerationEntry>();

/** What lies at a place, by an id: every byte of it as it was made, and nothing else. */
function everything(place: "source" | "vault"): ReadonlyMap<string, GenerationEntry> {
  const layout = place === "source" ? bench.source : bench.sink();
  const found = new Map<string, GenerationEntry>();
  const strange: string[] = [];
  for (const directory of [layout.store, ...(place === "source" ? [layout.handover] : [])])
    for (const name of readdirSync(directory)) {
      const known = sealed.get(name);
      const text = (file: string): string => readFileSync(join(directory, name, file), "utf8");
      if (known === undefined || sha256(text("manifest.json")) !== known.manifestSHA256 || text("a") !== `${known.seq}`)
        strange.push(name);
      else found.set(name, known);
    }
  unrestorable += strange.length;
  expect(strange).toEqual([]);
  return found;
}

/** Whatever is there: all that it needs is there, and is what it was made from. */
function expectRestorable(present: ReadonlyMap<string, GenerationEntry>): void {
  const lacking = [...present.values()].filter(({ manifest }) =>
    manifest.chain.some(({ id, manifestSHA256 }) => present.get(id)?.manifestSHA256 !== manifestSHA256),
  );
  unrestorable += lacking.length;
  expect(lacking.map(({ id }) => id)).toEqual([]);
}

const words = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
const dates = new Map<string, string>();
function dateOf({ id, manifest }: GenerationEntry): string {
  const date = dates.get(id) ?? words.format(new Date(manifest.time));
  dates.set(id, date);
  return date;
}
/** By the Thursday of its week, as ISO 8601 counts; by dates alone, so that no clock change matters. */
const weekOf = (date: string): string => {
  const noon = Date.parse(`${date}T12:00:00Z`);
  const weekday = (new Date(noon).getUTCDay() + 6) % 7;
  return new Date(noon - weekday * day).toISOString().slice(0, 10);
};

/** The newest of each of the last periods that have one: said by dates, and not by the code that is tested. */
function promised(
  newestFirst: readonly GenerationEntry[],
  of: (one: GenerationEntry) => string,
  count: number,
): readonly string[] {
  const newest = new Map<string, string>();
  for (const one of newestFirst) {
    if (newest.size === count) break;
    const bucket = of(one);
    if (!newest.has(bucket)) newest.set(bucket, one.id);
  }
  return [...newest.values()];
}

const isState = ({ manifest: { type } }: GenerationEntry): boolean => type !== "Database";

function expectPromises(present: ReadonlyMap<string, GenerationEntry>, history: readonly GenerationEntry[]): void {
  const newestFirst = history.toSorted((a, b) => b.seq - a.seq);
  for (const family of [newestFirst.filter(isState), newestFirst.filter((one) => !isState(one))]) {
    const wanted = [
      ...family.slice(0, rules.last).map(({ id }) => id),
      // By the clock of UTC: in Berlin an hour begins when one begins there.
      ...promised(family, ({ manifest }) => manifest.time.slice(0, 13), rules.hourly),
      ...promised(family, dateOf, rules.daily),
      ...promised(family, (one) => weekOf(dateOf(one)), rules.weekly),
      ...promised(family, (one) => dateOf(one).slice(0, 7), rules.monthly),
      ...promised(family, (one) => dateOf(one).slice(0, 4), rules.yearly),
    ];
    expect(wanted.filter((id) => !present.has(id))).toEqual([]);
  }
}

/** Its two rounds: planned, and then acted upon as it is on record. */
async function pruneAt(place: "source" | "vault", now: Instant): Promise<void> {
  const task = pruneTask(places[place]);
  const planned = await prune(task, bench.context, now);
  expect(planned.refused).toBeUndefined();
  if (planned.plan === undefined) return;
  expect(planned.removed).toEqual([]);
  const done = await prune({ ...task, approved: planned.plan.digest }, bench.context, now);
  expect(done.removedInAll ?? done.removed.length).toBe(planned.plan.removes);
}

interface Slot {
  readonly at: Instant;
  readonly type: GenerationType;
}
function slotsOf(from: Instant, until: Instant): readonly Slot[] {
  const slots: Slot[] = [];
  for (const { type, cron } of calendar)
    for (
      let at = nextSlot({ cron, timeZone }, from);
      at !== undefined && at <= until;
      at = nextSlot({ cron, timeZone }, at)
    )
      slots.push({ at, type });
  return slots.toSorted((a, b) => a.at - b.at);
}

let seq = 0;
/** States that lie at the source, oldest first. */
let states: readonly GenerationEntry[] = [];
/** A small one: what it holds does not matter here, on what it is based does. */
async function make({ at, type }: Slot): Promise<void> {
  seq += 1;
  const parent = type === "Incremental" ? states.at(-1) : undefined;
  const chain =
    parent === undefined ? [] : [...parent.manifest.chain, { id: parent.id, manifestSHA256: parent.manifestSHA256 }];
  const made = type === "Incremental" && parent === undefined ? "Full" : type;
  const { id } = addGeneration(bench.source.handover, {
    seq,
    type: made,
    time: formatInstant(at),
    chain,
    files: { a: `${seq}` },
  });
  const generation = await readGeneration(join(bench.source.handover, id), id);
  if (typeof generation === "string") throw new Error(generation);
  sealed.set(id, generation);
  if (isState(generation)) states = [...states, generation];
}

/** Brought to the vault and verified there, with everything that waits, as a transport and a verification do it. @returns what arrived */
async function deliverAll(): Promise<readonly GenerationEntry[]> {
  const generations = readdirSync(bench.source.handover).map((id) => sealed.get(id)!);
  for (const { id, path, manifestSHA256 } of generations) {
    cpSync(path, join(bench.sink().store, id), { recursive: true });
    await writeMarker(bench.sink(), { id, manifestSHA256 }, "Full");
  }
  await forgetRemoved(bench.sink(), await readMarkers(bench.sink()), new Set(generations.map(({ id }) => id)));
  return generations;
}

test("a year: whatever lies there can be restored, and what the rules promise is there, each night", async () => {
  /** What was ever verified at the vault. */
  const arrived: GenerationEntry[] = [];
  let away = 0;
  let most = 0;
  // As after the first run of all: from then on it is known what has come since.
  for (const place of ["source", "vault"] as const) await pruneAt(place, firstNight);
  for (let night = 0; night < 365; night += 1) {
    const now = firstNight + (night + 1) * day;
    for (const slot of slotsOf(now - day, now)) if (random() >= 0.03) await make(slot);
    away = away > 0 ? away - 1 : random() < 0.03 ? 3 : 0;
    if (away === 0) arrived.push(...(await deliverAll()));
    await pruneAt("source", now);
    if (away === 0) await pruneAt("vault", now);
    const [source, vault] = [everything("source"), everything("vault")];
    states = states.filter(({ id }) => source.has(id));
    for (const present of [source, vault]) expectRestorable(present);
    expectPromises(vault, arrived);
    most = Math.max(most, vault.size);
  }
  // Of both families what the rules keep, and the chains of that: far from a year of nights and hours.
  expect(most).toBeLessThan(250);
  expect(seq).toBeGreaterThan(8_500);
  leaveTally("calendar-year", { generations: seq, restores: 0, unrestorable });
});
