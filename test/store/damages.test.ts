/**
 * A thousand copies, each damaged by lot in its own way: verification at the sink sets each aside, and a restore refuses each
 * before it has written anything, wherever it reads it. HANDOVER_DAMAGE='verify 17' plays one alone.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { runStep } from "../../operator/mover/main.ts";
import { errnoOf } from "../../operator/mover/errors.ts";
import { randomOf } from "../simulator/random.ts";
import { damages, otherTruth, type Victim } from "./fire/damages.ts";
import { lookAt, liesAt } from "./fire/oracle.ts";
import { seed } from "./fire/seed.ts";
import { leaveTally } from "./fire/tally.ts";
import { makeTemplates, manifestDigest, type Templates } from "./fire/templates.ts";
import { createWorld, idOf, removeWorld, reset, tasks, type World } from "./fire/world.ts";

jest.setTimeout(10 * 60_000);

const rounds = { verify: 18, stage: 12, forged: 40 } as const;
type Way = keyof typeof rounds;
const [askedWay, askedNumber] = (process.env["HANDOVER_DAMAGE"] ?? "").split(" ");
const isAsked = (way: Way, number: number): boolean =>
  askedWay === "" || (askedWay === way && Number(askedNumber) === number);

let world: World;
let templates: Templates;
const played: Record<string, number> = {};
let undetected = 0;
const missed: string[] = [];

beforeAll(async () => {
  process.umask(0o077);
  world = createWorld();
  templates = await makeTemplates(world);
});
afterAll(() => {
  removeWorld(world);
  process.stderr.write(`  damages ${JSON.stringify(played)}, seed ${seed}\n`);
  if (askedWay === "") leaveTally("damages", { faults: {}, half: 0, damages: played, undetected });
});

/** Plays so many rounds of all kinds. @param judge says how it was missed */
async function playAll(
  way: Way,
  template: string,
  victimOf: (number: number) => Omit<Victim, "random">,
  judge: (number: number) => Promise<string | undefined>,
): Promise<readonly string[]> {
  missed.length = 0;
  const list = way === "forged" ? [["manifest that nothing here contradicts", otherTruth] as const] : damages;
  for (let number = 0; number < rounds[way] * list.length; number += 1) {
    if (!isAsked(way, number)) continue;
    const [kind, damage] = list[number % list.length]!;
    reset(world, template);
    const what = damage({ ...victimOf(number), random: randomOf(seed * 1_000_003 + number) });
    if (what === undefined) continue;
    played[kind] = (played[kind] ?? 0) + 1;
    const how = await judge(number);
    if (how === undefined) continue;
    undetected += 1;
    const command = `HANDOVER_FIRE_SEED=${seed} HANDOVER_DAMAGE='${way} ${number}' npm test -- test/store/damages.test.ts`;
    missed.push(`${command}\n    ${what}: ${how}`);
  }
  return missed;
}

const perform = async (task: Parameters<typeof runStep>[0]) => await runStep(task, world.context("pod"));

/** Number 3 is not verified yet. */
const victimAtSink = (): Omit<Victim, "random"> => ({
  path: join(world.sink.store, idOf(3)),
  other: join(world.sink.store, idOf(2)),
});

test("whole copies pass", async () => {
  reset(world, templates.delivered);
  expect(await perform(tasks.verify(3))).toMatchObject({ damaged: [], sequences: { ranges: "1-3" } });
  const digest = manifestDigest(templates.verified, world, world.sink.store, 3);
  for (const location of ["source", "vault"] as const) {
    reset(world, templates.today);
    await perform(tasks.stage(location, idOf(3), digest));
  }
});

test("verification at the sink sets each damaged copy aside, and no other", async () => {
  const bad = await playAll("verify", templates.delivered, victimAtSink, async () => {
    const result = await perform(tasks.verify(3));
    if (result.step !== "verify" || !result.damaged.includes(idOf(3))) return "it was not found";
    if (existsSync(join(world.sink.store, idOf(3)))) return "it is still in view";
    if (existsSync(join(world.sink.verified, `${idOf(3)}.json`))) return "it is called verified";
    if (result.sequences?.ranges !== "1-2" || result.damaged.length !== 1) return "another one suffered";
    return liesAt(world.sink)[0];
  });
  expect(bad).toEqual([]);
});

/** What a restore reads of a generation. */
const read = ["volumes/uploads.tar.zst", "files.jsonl.zst", "manifest.json", "manifest.sha256", "SHA256SUMS"];

/** A restore of number 3 refuses it, and the app keeps what it has. */
async function refusal(location: "source" | "vault", digest: string, volume: string): Promise<string | undefined> {
  const error = await perform(tasks.stage(location, idOf(3), digest)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return "it was restored";
  if (errnoOf(error) !== "HO-R802") return `it was refused so: ${error instanceof Error ? error.message : "?"}`;
  if (readdirSync(world.volume).some((name) => name.startsWith(".handover-")))
    return "something was left beside the app";
  return lookAt(world).volume === volume ? undefined : "what the app has was changed";
}

test("a restore refuses each damaged copy, at the source and at the sink, before it writes anything", async () => {
  const digest = manifestDigest(templates.verified, world, world.sink.store, 3);
  reset(world, templates.today);
  const { volume } = lookAt(world);
  const placeOf = (number: number): "source" | "vault" =>
    Math.floor(number / damages.length) % 2 === 0 ? "source" : "vault";
  const victim = (number: number): Omit<Victim, "random"> =>
    placeOf(number) === "vault"
      ? { ...victimAtSink(), read }
      : { path: join(world.source.handover, idOf(3)), other: join(world.source.store, idOf(1)), read };
  const bad = await playAll("stage", templates.today, victim, async (number) =>
    refusal(placeOf(number), digest, volume),
  );
  expect(bad).toEqual([]);
});

test("a copy whose manifest was written anew fits itself, and still nobody takes it for the true one", async () => {
  const digest = manifestDigest(templates.verified, world, world.sink.store, 3);
  reset(world, templates.delivered);
  const { volume } = lookAt(world);
  const bad = await playAll("forged", templates.delivered, victimAtSink, async () => {
    const restored = await refusal("vault", digest, volume);
    if (restored !== undefined) return restored;
    // The sink alone cannot know; the source does not give up its own for it, and the transport says what is wrong.
    await perform(tasks.verify(3));
    const pruned = await perform(tasks.prune(3, "source", 1));
    if (pruned.step !== "prune" || pruned.pending !== 1) return "the source has given up the true one";
    if (!existsSync(join(world.source.handover, idOf(3)))) return "the true one is gone";
    const error = await perform(tasks.transport(3)).catch((reason: unknown) => reason);
    return errnoOf(error) === "HO-V601" ? undefined : "the transport does not notice";
  });
  expect(bad).toEqual([]);
});
