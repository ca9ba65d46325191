/** One suite of faults: for each of its scenarios a test that plays all of its cases and names those that went wrong. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Campaign, parseCase, writeCase, type Case, type Scenario } from "./campaign.ts";
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

/**
 * @param suite name of the test's file, for the line that plays a case again
 * @param names of the scenarios that `build` gives
 */
export function testUnderFire(
  suite: string,
  names: readonly string[],
  build: (world: World, templates: Templates) => readonly Scenario[],
): void {
  describe("a fault at any system call", () => {
    const faults: Record<string, number> = {};
    let half = 0;
    let world: World;
    let campaign: Campaign;
    let scenarios: readonly Scenario[] = [];

    beforeAll(async () => {
      process.umask(0o077);
      world = createWorld();
      scenarios = build(world, await makeTemplates(world));
      campaign = new Campaign(world);
    }, 5 * minutes);

    afterAll(async () => {
      await campaign?.close();
      removeWorld(world);
      process.stderr.write(`  ${suite}: faults ${JSON.stringify(faults)}, seed ${seed}\n`);
      if (asked === undefined) leaveTally(suite, { faults, half, damages: {}, undetected: 0 });
    });

    const play = async (scenario: Scenario, cases: readonly Case[]): Promise<readonly string[]> => {
      const bad: string[] = [];
      for (const one of cases) {
        const verdict = await campaign.play(scenario, one);
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
        const scenario = scenarios.find((one) => one.name === name)!;
        const { calls, blind } = await campaign.rehearse(scenario);
        // Who writes past the gate would not be tried.
        expect(blind).toBe(0);
        expect(calls.length).toBeGreaterThan(0);
        expect(await play(scenario, asked === undefined ? casesOf(name, calls, seed) : [asked])).toEqual([]);
      },
      15 * minutes,
    );
  });
}
