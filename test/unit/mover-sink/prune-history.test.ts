/** Made-up histories on a real disk: what a prune does is what its plan says, whatever failed, died or was taken back in between. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { prune } from "../../../operator/mover/steps/prune.ts";
import { writeMarker } from "../../../operator/mover/store/markers.ts";
import { addGeneration, createBench, type Bench } from "../../support/generations.ts";
import { pruneTask } from "../../support/pruning.ts";

jest.setTimeout(120_000);

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.remove());

const day = 86_400_000;
const start = Date.UTC(2027, 2, 20, 1);
const night = fc.record({
  outcome: fc.constantFrom("full", "full", "incremental", "incremental", "unverified", "none"),
  prune: fc.constantFrom("whole", "whole", "plans only", "dies"),
  back: fc.boolean(),
});
const keeps = [
  { last: 2, minVerified: 1 },
  { last: 1, daily: 3, weekly: 2, minVerified: 2 },
  { daily: 2, maxAge: "5d", minVerified: 1 },
];
const chainOf = (generation: string): readonly string[] =>
  JSON.parse(readFileSync(join(generation, "manifest.json"), "utf8")).chain.map(({ id }: { id: string }) => id);
const names = (directory: string): readonly string[] => readdirSync(directory);

test("what is there afterwards is what was there before without what the plan on record names", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...keeps),
      fc.array(night, { minLength: 4, maxLength: 12 }),
      async (keep, nights) => {
        bench.remove();
        bench = createBench();
        const { store, trash } = bench.sink();
        let chain: { readonly id: string; readonly manifestSHA256: string }[] = [];
        for (const [index, { outcome, prune: how, back }] of nights.entries()) {
          const now = start + index * day;
          if (outcome !== "none") {
            const based = outcome === "incremental" && chain.length > 0;
            const made = addGeneration(store, {
              seq: index + 1,
              type: based ? "Incremental" : "Full",
              ...(based ? { chain } : {}),
              time: new Date(now).toISOString(),
              files: { a: `${index}` },
            });
            if (outcome !== "unverified") {
              await writeMarker(bench.sink(), made, "Full");
              chain = based ? [...chain, made] : [made];
            }
          }
          const inTrash = names(trash)
            .flatMap((date) => names(join(trash, date)))
            .filter((name) => !name.endsWith(".json"));
          const undelete = back && inTrash.length > 0 ? { undelete: `${inTrash[0]},night ${index}` } : {};
          const task = pruneTask({ keep, trashMillis: 2 * day, ...undelete });
          const planned = await prune(task, bench.context, now);
          const before = names(store);
          expect(planned.removed).toEqual([]);
          expect(undelete.undelete === undefined || before.includes(inTrash[0]!)).toBe(true);
          // What lies there has all that it is based on, whatever went and wherever it ended.
          const whole = (): void =>
            expect(
              names(store).flatMap((id) => chainOf(join(store, id)).filter((base) => !names(store).includes(base))),
            ).toEqual([]);
          whole();
          if (planned.plan === undefined || planned.refused !== undefined || how === "plans only") continue;
          const abort = new AbortController();
          // Ends it in the middle, where the log tells of the first removal.
          const log = { ...bench.context.log, info: () => abort.abort(new Error("killed")) };
          const context = how === "dies" ? { ...bench.context, log, abort: abort.signal } : bench.context;
          const act = prune({ ...task, approved: planned.plan.digest }, context, now);
          await (how === "dies" ? act.catch(() => undefined) : act);
          const removed = before.filter((id) => !names(store).includes(id));
          const named = planned.remove!.map(({ id }) => id);
          expect(how === "dies" ? named.slice(named.length - removed.length) : named).toEqual(removed.toSorted());
          whole();
          const kept = names(trash).flatMap((date) => names(join(trash, date)));
          expect(removed.filter((id) => !kept.includes(id))).toEqual([]);
        }
      },
    ),
    { numRuns: 25 },
  );
});
