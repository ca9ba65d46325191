/** What a policy says of its generations and places, out of what its runs have reported. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicyStatus } from "../../../operator/api/kinds.ts";
import type { MoverSuccess, ResultOf } from "../../../operator/contract/result.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { aPolicy, aRun, at, doneStep, schedule } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

const ok = { version: 1, ok: true } as const;
const facts = (name: string, generations: number, uuid = `${name}-uuid`): ResultOf<"prune">["location"] => ({
  name,
  uuid,
  generations,
  verified: generations,
  bytes: 10,
  freeBytes: 100,
});
const prune = (name: string, generations: number, change: Partial<ResultOf<"prune">> = {}): MoverSuccess => ({
  ...ok,
  step: "prune",
  location: facts(name, generations),
  settled: [],
  pending: 0,
  removed: [],
  kept: [],
  ...change,
});
const complete = (seq: number): BackupRun => {
  const day = `2026-11-0${seq}`;
  return aRun(`run-${seq}`)
    .created(`${day}T01:00:00Z`)
    .finished("Complete", `00000${seq}-${day.replaceAll("-", "")}T010000Z-full`)
    .build();
};
const failed = (number: number): BackupRun =>
  aRun(`failed-${number}`)
    .created(`2026-11-0${number}T05:00:00Z`)
    .finished("Failed", undefined, { code: "HO-D302", display: { message: "HO-D302 wrong password" } })
    .build();
const judge = (runs: readonly BackupRun[], before: PolicyStatus = {}, policy = aPolicy()): PolicyStatus => {
  const { status } = decidePolicy(
    { policy: policy.status(before).build(), runs, restores: [], takenNames: new Set() },
    at("12:00"),
  );
  expect(findBrokenRule(status)).toBeUndefined();
  return status;
};

describe("the state of a policy", () => {
  test.each<{ name: string; runs: readonly BackupRun[]; state: string; message: string }>([
    { name: "nothing yet: unprotected", runs: [], state: "Unprotected", message: "no complete generation yet" },
    {
      name: "only failures: unprotected",
      runs: [failed(1)],
      state: "Unprotected",
      message: "failed-1: HO-D302 wrong password",
    },
    {
      name: "the last was complete: protected",
      runs: [failed(1), complete(2)],
      state: "Protected",
      message: "generation 000002-20261102T010000Z-full is complete",
    },
    {
      name: "the last failed: at risk",
      runs: [complete(1), failed(2)],
      state: "AtRisk",
      message: "failed-2: HO-D302 wrong password",
    },
    {
      name: "an active run does not change it",
      runs: [complete(1), aRun("now").created("2026-11-09T00:00:00Z").build()],
      state: "Protected",
      message: "generation 000001-20261101T010000Z-full is complete",
    },
  ])("$name", ({ runs, state, message }) => {
    for (const list of [runs, runs.toReversed()]) {
      const status = judge(list);
      expect(status).toMatchObject({ state, display: { message } });
      expect(status.conditions?.find(({ type }) => type === "Protected")?.status).toBe(
        state === "Protected" ? "True" : "False",
      );
    }
  });

  test("names the newest complete generation by its number, and keeps it when its run is gone", () => {
    const seen = judge([complete(2), complete(1)]);
    expect(seen.lastComplete).toMatchObject({ run: "run-2", generation: "000002-20261102T010000Z-full" });
    expect(judge([complete(1)], seen).lastComplete).toEqual(seen.lastComplete);
  });
  test("is told as an event when it changes, and only then", () => {
    const policy = (before: PolicyStatus): ReturnType<ReturnType<typeof aPolicy>["build"]> =>
      aPolicy().status(before).build();
    const events = (before: PolicyStatus, runs: readonly BackupRun[]): readonly string[] =>
      decidePolicy({ policy: policy(before), runs, restores: [], takenNames: new Set() }, at("12:00")).events.map(
        ({ type, reason }) => `${type} ${reason}`,
      );
    const seen = judge([complete(1)]);
    expect(events(seen, [complete(1)])).toEqual([]);
    expect(events(seen, [complete(1), failed(2)])).toEqual(["Warning AtRisk"]);
    expect(events(judge([complete(1), failed(2)]), [complete(1), failed(2), complete(3)])).toEqual([
      "Normal Protected",
    ]);
  });
});

describe("the places of a policy", () => {
  const reported = (name: string, finishedAt: string, ...results: readonly MoverSuccess[]): BackupRun =>
    aRun(name)
      .status({ steps: [doneStep("Prune/x", finishedAt, ...results)] })
      .build();

  test("are as the newest report says, whichever run it is of", () => {
    const runs = [
      reported("b", "2026-11-02T01:00:00Z", prune("source", 3)),
      reported("a", "2026-11-01T01:00:00Z", prune("source", 2)),
    ];
    for (const list of [runs, runs.toReversed()])
      expect(judge(list).locations).toMatchObject([
        { name: "source", generations: 3, observedAt: "2026-11-02T01:00:00Z" },
      ]);
  });
  test("stay when the run that reported them is gone, and an older report changes nothing", () => {
    const seen = judge([reported("b", "2026-11-02T01:00:00Z", prune("source", 3))]);
    expect(judge([], seen).locations).toEqual(seen.locations);
    expect(judge([reported("a", "2026-11-01T01:00:00Z", prune("source", 2))], seen).locations).toEqual(seen.locations);
  });
  test("keep the identity that was seen first", () => {
    const seen = judge([reported("a", "2026-11-01T01:00:00Z", prune("vault", 1))]);
    const moved = prune("vault", 0, { location: facts("vault", 0, "another") });
    expect(judge([reported("b", "2026-11-02T01:00:00Z", moved)], seen).locations).toMatchObject([
      { name: "vault", generations: 0, uuid: "vault-uuid" },
    ]);
  });
  test("are the source and the sinks of the policy, and no others", () => {
    const preflight: MoverSuccess = {
      ...ok,
      step: "preflight",
      lastSeq: 1,
      locations: [facts("vault", 1), facts("moon", 1), facts("source", 2)],
      pending: 0,
      bytes: 0,
      files: 0,
      databases: [],
      warnings: [],
    };
    const status = judge([reported("a", "2026-11-01T01:00:00Z", preflight)]);
    expect(status.locations?.map(({ name }) => name)).toEqual(["source", "vault"]);
    expect(status.display?.generations).toBe("source 2, vault 1");
  });
  test("tell how many generations wait, by the newest report of the source", () => {
    const settled = (pending: number, finishedAt: string): BackupRun =>
      aRun(`at-${pending}`)
        .status({ steps: [doneStep("Prune/source", finishedAt, prune("source", 3, { pending }))] })
        .build();
    expect(judge([settled(2, "2026-11-02T01:00:00Z"), settled(5, "2026-11-01T01:00:00Z")]).pendingHandovers).toBe(2);
    expect(judge([], { pendingHandovers: 4 }).pendingHandovers).toBe(4);
  });
});

test("an unchanged world gives an equal status", () => {
  const policy = aPolicy().schedules(schedule("nightly", "0 2 * * *"));
  const runs = [complete(1), failed(2)];
  const seen = judge(runs, {}, policy);
  const again = decidePolicy(
    { policy: policy.status(seen).build(), runs, restores: [], takenNames: new Set() },
    at("13:00"),
  );
  expect(again.status).toEqual(seen);
  expect(again.actions).toEqual([]);
  expect(again.events).toEqual([]);
});

test("a policy that was edited is judged by its new spec, and its status says of which one it speaks", () => {
  const seen = judge([complete(1)]);
  const policy = aPolicy().meta({ generation: 2 }).spec({ suspend: true }).status(seen).build();
  const seenNow = { policy, runs: [complete(1)], restores: [], takenNames: new Set<string>() };
  const { status: edited } = decidePolicy(seenNow, at("12:00"));
  expect(edited).toMatchObject({ observedGeneration: 2, state: "Suspended" });
  expect(new Set(edited.conditions?.map(({ observedGeneration }) => observedGeneration))).toEqual(new Set([2]));
});
