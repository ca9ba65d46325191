/** One suite of faults: for each of its scenarios a test that plays all of its cases and names those that went wrong. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Campaign, parseCase, writeCase, type Case, type Scenario, type Verdict } from "./campaign.ts";
import type { GateReport } from "./gate.ts";
import { seed } from "./seed.ts";
import { leaveTally } from "./tally.ts";
import { makeTemplates, type Templates } from "./templates.ts";
import { createWorld, removeWorld, type World } from "./world.ts";

const asked = parseCase(process.env["HANDOVER_FIRE"] ?? "");
const minutes = 60_000;

/** Faults that take turns over the calls: another seed gives each call another one. */
const turns = ["enospc", "gone", "full", "kill"] as const;
const isWrite = (call: string): boolean => /^p?write/.test(call);

/** Each call fails once by itself; once more in one of the other ways; and each write is cut short. */
export function casesOf(scenario: string, calls: readonly string[], by: number): readonly Case[] {
  return calls.flatMap((name, index): readonly Case[] => {
    const call = index + 1;
    const turn = turns[(call + by) % turns.length]!;
    const cut: readonly Case[] = isWrite(name)
      ? [{ scenario, call, mode: (call + by) % 2 === 0 ? "short" : "torn" }]
      : [];
    return [{ scenario, call, mode: "eio" }, { scenario, call, mode: turn }, ...cut];
  });
}

/** Of what is asked of a campaign. */
interface Plays<S> {
  readonly rehearse: (scenario: S) => Promise<GateReport>;
  readonly play: (scenario: S, one: Case) => Promise<Verdict>;
  readonly close: () => Promise<void>;
}

export interface Prepared<S> {
  readonly scenarios: readonly S[];
  readonly campaign: Plays<S>;
}

export type Choose = typeof casesOf;

/** Where there are too many calls for a try each: every n-th, another one with each seed, and each of those that `isCrucial` names. */
export const some =
  (every: number, isCrucial: (call: string) => boolean = () => false): Choose =>
  (scenario, calls, by) =>
    calls
      .map((name, index) => ({ name, call: index + 1 }))
      .filter(({ name, call }) => call % every === by % every || isCrucial(name))
      .map(({ name, call }, index) => {
        const turn = index + by;
        const others = isWrite(name) ? ([...turns, "short", "torn"] as const) : turns;
        // Half of them die: that leaves everything as it happens to be.
        return { scenario, call, mode: turn % 2 === 0 ? "kill" : others[(turn >> 1) % others.length]! };
      });

/**
 * @param suite name of the test's file, for the line that plays a case again
 * @param names of the scenarios that `build` gives
 */
export function testUnderFire(
  suite: string,
  names: readonly string[],
  build: (world: World, templates: Templates) => readonly Scenario[],
): void {
  testSomeUnderFire(suite, names, casesOf, async (world) => ({
    scenarios: build(world, await makeTemplates(world)),
    campaign: new Campaign(world),
  }));
}

export function testSomeUnderFire<S extends { readonly name: string }>(
  suite: string,
  names: readonly string[],
  choose: Choose,
  prepare: (world: World) => Promise<Prepared<S>>,
): void {
  describe("a fault at any system call", () => {
    const faults: Record<string, number> = {};
    const tried: string[] = [];
    const started = performance.now();
    let half = 0;
    let world: World;
    let prepared: Prepared<S>;

    beforeAll(async () => {
      process.umask(0o077);
      world = createWorld();
      prepared = await prepare(world);
    }, 5 * minutes);

    afterAll(async () => {
      await prepared?.campaign.close();
      removeWorld(world);
      const seconds = Math.round((performance.now() - started) / 1000);
      process.stderr.write(
        `  ${suite}: faults ${JSON.stringify(faults)}, seed ${seed}; ${tried.join(", ")}; ${seconds} s\n`,
      );
      if (asked === undefined) leaveTally(suite, { faults, half, damages: {}, undetected: 0 });
    });

    const play = async (scenario: S, cases: readonly Case[]): Promise<readonly string[]> => {
      const bad: string[] = [];
      for (const one of cases) {
        const verdict = await prepared.campaign.play(scenario, one);
        if (verdict.hit !== undefined) faults[one.mode] = (faults[one.mode] ?? 0) + 1;
        if (verdict.half.length > 0) half += 1;
        const why = [...verdict.half, ...verdict.wrong];
        const line = `HANDOVER_FIRE='${writeCase(one)}' npm test -- test/store/${suite}.test.ts`;
        if (why.length > 0) bad.push(`${line}\n    at ${verdict.hit}: ${why.slice(0, 4).join("; ")}`);
      }
      return bad;
    };

    test.each(names)(
      "%s: never a half generation in view, none lost, nothing left over",
      async (name) => {
        if (asked !== undefined && asked.scenario !== name) return;
        const scenario = prepared.scenarios.find((one) => one.name === name)!;
        const { calls, blind } = await prepared.campaign.rehearse(scenario);
        // Who writes past the gate would not be tried.
        expect(blind).toBe(0);
        expect(calls.length).toBeGreaterThan(0);
        const cases = asked === undefined ? choose(name, calls, seed) : [asked];
        tried.push(
          `${name}: ${cases.length} cases at ${new Set(cases.map(({ call }) => call)).size} of ${calls.length} calls`,
        );
        expect(await play(scenario, cases)).toEqual([]);
      },
      15 * minutes,
    );
  });
}
