/** Which runs a policy keeps on record, and what their reports say of its places. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicyStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { MoverSuccess, ResultOf } from "../../../operator/contract/result.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { aPolicy, aRun, at, doneStep } from "../../support/builders.ts";

const decide = (runs: readonly BackupRun[], status: PolicyStatus = {}, policy = aPolicy()) =>
  decidePolicy({ policy: policy.status(status).build(), runs, restores: [], takenNames: new Set() }, at("12:00"));
const deleted = (...runs: readonly BackupRun[]): readonly string[] =>
  decide(runs).actions.flatMap((action) => (action.do === "deleteRun" ? [action.run.metadata.name] : []));

describe("the record of a generation", () => {
  type Copies = Readonly<Record<string, readonly [state: "Pruned" | "Missing" | "Verified", time: string]>>;
  const run = (copies: Copies): ReturnType<typeof aRun> =>
    aRun("old")
      .created("2026-11-01T01:00:00Z")
      .finished("Complete", "000001-20261101T010000Z-full", {
        copies: Object.entries(copies).map(([location, [state, time]]) => ({ location, state, time, required: true })),
      });
  const newest = aRun("new")
    .created("2026-11-21T01:00:00Z")
    .finished("Complete", "000009-20261121T010000Z-full")
    .build();
  const long = "2026-11-02T01:00:00Z";
  // The trash keeps for a day.
  const [leaving, left] = ["2026-11-20T12:00:01Z", "2026-11-20T12:00:00Z"];
  test.each<[string, Copies, boolean]>([
    ["goes when it is gone everywhere", { source: ["Pruned", long], vault: ["Pruned", long] }, true],
    ["goes when it never came to a sink", { source: ["Pruned", long], vault: ["Missing", long] }, true],
    ["goes whenever that was seen last", { source: ["Pruned", long], vault: ["Missing", leaving] }, true],
    ["stays while it may yet come to one", { source: ["Missing", long], vault: ["Pruned", long] }, false],
    ["stays while one place has it", { source: ["Pruned", long], vault: ["Verified", long] }, false],
    ["stays while it lies in the trash of one", { source: ["Pruned", long], vault: ["Pruned", leaving] }, false],
    ["goes when its time there is over", { source: ["Pruned", long], vault: ["Pruned", left] }, true],
  ])("%s", (_what, copies, goes) => {
    expect(deleted(newest, run(copies).build())).toEqual(goes ? ["old"] : []);
  });
  test("is deleted once", () => {
    expect(
      deleted(
        newest,
        run({ source: ["Pruned", long] })
          .deleting()
          .build(),
      ),
    ).toEqual([]);
  });
  test("stays while its run goes on", () => {
    expect(deleted(newest, aRun("old").status({ copies: [] }).build())).toEqual([]);
  });
});

test("of failures the newest five are kept, and looks that found no change count by themselves", () => {
  const at1 = (hour: number): string => `2026-11-20T0${hour}:00:00Z`;
  const failed = [1, 2, 3, 4, 5, 6, 7].map((hour) =>
    aRun(`failed-${hour}`).created(at1(hour)).finished("Failed").build(),
  );
  const looks = [1, 2, 3, 4].map((hour) =>
    aRun(`look-${hour}`).of("Config").created(at1(hour)).finished("Complete", undefined, { unchanged: "x" }).build(),
  );
  expect(deleted(...looks, ...failed)).toEqual(["failed-2", "failed-1", "look-1"]);
});

describe("a place", () => {
  const facts = (change: Partial<ResultOf<"prune">["location"]> = {}): ResultOf<"prune">["location"] => ({
    name: "source",
    uuid: "source-uuid",
    generations: 3,
    verified: 2,
    bytes: 10,
    freeBytes: 100,
    ...change,
  });
  const prune = (location: ResultOf<"prune">["location"]): MoverSuccess => ({
    version: 1,
    ok: true,
    step: "prune",
    location,
    settled: [],
    pending: 0,
    removed: [],
    kept: [],
  });
  const noon = "2026-11-20T12:00:00Z";
  const reported = (location = facts(), change: Partial<StepRecord> = {}): BackupRun =>
    aRun("run")
      .status({ steps: [{ ...doneStep("Prune/source", noon, prune(location)), ...change }] })
      .build();

  test("tells its first and its last generation, while it has some", () => {
    const ids = { oldest: "000001-20261101T010000Z-full", newest: "000003-20261103T010000Z-full" };
    const known = decide([reported(facts(ids))]).status;
    expect(known.locations).toStrictEqual([{ ...facts(ids), observedAt: noon }]);
    const later = reported(facts(), { finishedAt: "2026-11-20T13:00:00Z" });
    expect(decide([later], known).status.locations).toStrictEqual([{ ...facts(), observedAt: "2026-11-20T13:00:00Z" }]);
  });
  test.each<[string, Partial<StepRecord>]>([
    ["that goes on", { state: "Running" }],
    ["that failed", { state: "Failed", code: "HO-K702" }],
    ["of which nobody knows when it ended", { finishedAt: undefined as never }],
  ])("is not known from a step %s", (_what, change) => {
    expect(decide([reported(facts(), change)]).status.locations).toEqual([]);
  });
  test("is not known from runs of a former policy of the same name", () => {
    const run = reported();
    const former = { ...run, status: { ...run.status, policyUID: "former-uid" } };
    expect(decide([former]).status).toMatchObject({ locations: [], display: { generations: "" } });
  });
});
