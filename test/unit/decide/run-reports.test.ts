/** What the movers report, in words, and what their reports change on record. */
import { describe as group, expect, test } from "@jest/globals";
import type { StepRecord } from "../../../operator/api/kinds.ts";
import type { MoverSuccess } from "../../../operator/contract/result.ts";
import { describe, troubleIn } from "../../../operator/decide/run-reports.ts";
import { aJob, aPod, anApp } from "../../support/builders.ts";
import { stepsOf } from "./recorded-steps.ts";
import { type Story, pass } from "./run-passes.ts";

const ok = { version: 1 as const, ok: true as const };
const location = { name: "vault", uuid: "u", generations: 2, verified: 2, bytes: 0, freeBytes: 0 };
const preflight: MoverSuccess = {
  ...ok,
  step: "preflight",
  lastSeq: 6,
  locations: [location],
  pending: 0,
  bytes: 2048,
  files: 1,
  databases: [{ name: "shop", serverVersion: "17.2", clientVersion: "17.4", bytes: 1 }],
  warnings: ["odd"],
};
const seal: MoverSuccess = {
  ...ok,
  step: "seal",
  id: "000007-20261121T010203Z-full",
  manifestSHA256: "abc",
  bytes: 10,
  storedBytes: 5,
  files: 3,
  tables: 2,
  peakMiB: 1,
};
const prune: Extract<MoverSuccess, { step: "prune" }> = {
  ...ok,
  step: "prune",
  location,
  settled: [],
  pending: 0,
  removed: [{ id: "a", why: "old" }],
  kept: [],
};
const verify: Extract<MoverSuccess, { step: "verify" }> = {
  ...ok,
  step: "verify",
  verified: ["a", "b"],
  damaged: [],
  bytes: 1024,
  seconds: 1,
};
const archive = {
  ...ok,
  step: "archive" as const,
  bytes: 1024,
  storedBytes: 512,
  files: 2,
  freezeSeconds: 1,
  seconds: 1,
  peakMiB: 1,
};

group("a report in words", () => {
  const reports: readonly (readonly [MoverSuccess, string])[] = [
    [preflight, "1 file, 2.0 KiB; shop on PostgreSQL 17.2; odd"],
    [{ ...ok, step: "warm", bytes: 1024, files: 2 }, "mirror up to date, 2 files, 1.0 KiB"],
    [
      { ...ok, step: "dump", bytes: 9, storedBytes: 1024, tables: 2, rows: 1, seconds: 1, peakMiB: 1 },
      "2 tables, 1 row, 1.0 KiB stored",
    ],
    [{ ...archive, warnings: ["a socket", "a pipe"] }, "2 files, 1.0 KiB, 512 B stored; a socket; a pipe"],
    [seal, "sealed 000007-20261121T010203Z-full"],
    [{ ...ok, step: "transport", delivered: ["a"], bytes: 2048, seconds: 2 }, "1 generation, 2.0 KiB, 1.0 KiB/s"],
    [{ ...ok, step: "transport", delivered: [], bytes: 1, seconds: 0 }, "0 generations, 1 B, 1000 B/s"],
    [verify, "1.0 KiB read again, 2 generations verified"],
    [{ ...verify, damaged: ["c", "d"] }, "1.0 KiB read again, 2 generations verified, DAMAGED: c, d"],
    [prune, "2 generations kept, 1 removed"],
    [{ ...prune, refused: "HO-K701: too much" }, "nothing was removed at vault: too much"],
    [{ ...prune, refused: "it is odd" }, "nothing was removed at vault: it is odd"],
    [{ ...prune, removedInAll: 40, warnings: ["odd"] }, "2 generations kept, 40 removed; odd"],
    [{ ...prune, tookBack: ["b", "c"] }, "2 generations kept, 1 removed; took back b, c"],
    [
      { ...prune, trash: { generations: 2, bytes: 2048 } },
      "2 generations kept, 1 removed; 2 in the trash with 2.0 KiB",
    ],
    [
      { ...prune, trash: { generations: 2, bytes: 2048, until: "2026-11-22T01:00:00Z" } },
      "2 generations kept, 1 removed; 2 in the trash with 2.0 KiB, the first until 2026-11-22T01:00:00Z",
    ],
    [
      { ...preflight, base: { id: "000006-20261120T010203Z-full", manifestSHA256: "a".repeat(64) } },
      "1 file, 2.0 KiB; shop on PostgreSQL 17.2; based on 000006-20261120T010203Z-full; odd",
    ],
    [{ ...preflight, base: { full: "the first" } }, "1 file, 2.0 KiB; shop on PostgreSQL 17.2; odd"],
    [{ ...ok, step: "collect", files: 3, objects: 1, bytes: 1024 }, "3 keys of 1 object, 1.0 KiB"],
    [
      { ...ok, step: "collect", files: 3, objects: 2, bytes: 9, unchanged: "000005-20261119T010203Z-config" },
      "no change since 000005-20261119T010203Z-config",
    ],
    [{ ...ok, step: "release" }, ""],
  ];
  test.each(reports.map(([result, words]) => ({ step: result.step, words, result })))(
    "of $step: $words",
    ({ result, words }) => {
      expect(describe([result])).toBe(words);
    },
  );
  test("of several, those that have something to tell, cut short", () => {
    expect(describe([seal, { ...ok, step: "release" }, prune])).toBe(
      "sealed 000007-20261121T010203Z-full; 2 generations kept, 1 removed",
    );
    expect(describe([{ ...archive, warnings: ["x".repeat(990)] }])).toMatch(/^.{899}…$/);
  });
  test("a prune that would not is trouble, by its own code or by that of what nobody knows", () => {
    expect(troubleIn([seal, prune])).toBeUndefined();
    expect(troubleIn([])).toBeUndefined();
    expect(troubleIn([seal, { ...prune, refused: "HO-K701: too much" }])).toBe("HO-K701");
    expect(troubleIn([{ ...prune, refused: "HO-K701 too much" }])).toBe("HO-K702");
  });
});

group("a step that is done leaves on record", () => {
  const running: Omit<StepRecord, "name"> = {
    state: "Running",
    attempt: 1,
    job: "job",
    startedAt: "2026-11-21T00:59:00Z",
  };
  const after = (name: string, result: MoverSuccess, story: Story = {}, more: object = {}) => {
    const message = JSON.stringify(result);
    const pod = aPod("pod")
      .ofJob("job", "shop-1-uid", "job-uid")
      .ended({ name: result.step, exitCode: 0, message })
      .build();
    const jobs = [aJob("job").condition("Complete").build()];
    const before = [
      "Accept",
      "Preflight",
      "Warm",
      "Quiesce",
      "Capture",
      "GiveBack",
      "Seal",
      "Transport/vault",
      "Verify/vault",
    ];
    const done = Object.fromEntries(before.slice(0, before.indexOf(name)).map((one) => [one, "Done" as const]));
    const steps = stepsOf({ ...done, [name]: running, ...more });
    const decision = pass(steps, { jobs, ...story, seen: anApp({ pods: [pod] }) });
    return { decision, step: decision.status.steps?.find((one) => one.name === name) };
  };
  test("the preflight: the number of the generation, once", () => {
    const { decision, step } = after("Preflight", preflight);
    expect(step).toMatchObject({ state: "Done", message: describe([preflight]), result: { of: [preflight] } });
    expect(decision.status.seq).toBe(7);
    expect(decision.wakeAfter).toBe(0);
    expect(after("Preflight", preflight, { status: { seq: 3 } }).decision.status.seq).toBe(3);
  });
  test("the seal: the generation", () => {
    const asked = { status: { seq: 7, times: { goneAt: "2026-11-21T01:02:03Z" } } };
    const { decision } = after("Seal", seal, asked);
    expect(decision.status.generation).toMatchObject({
      id: seal.id,
      type: "Full",
      consistency: "Quiesced",
      sealedAt: "2026-11-21T01:00:00.000Z",
      bytes: 10,
      storedBytes: 5,
      files: 3,
      tables: 2,
      manifestSHA256: "abc",
    });
    const unstopped = after("Seal", seal, asked, { Quiesce: undefined, GiveBack: undefined });
    expect(unstopped.decision.status.generation).toMatchObject({ consistency: "Running" });
    // Of another generation than the one it was asked for it is not believed.
    const other = after("Seal", seal, { status: { seq: 8 } });
    expect(other.step).toMatchObject({ state: "Failed", code: "HO-A406" });
    expect(other.decision.status).not.toHaveProperty("generation");
  });
  test("the check, and a prune that would not: its code", () => {
    expect(after("Verify/vault", verify).step).toMatchObject({ state: "Done" });
    expect(after("Verify/vault", verify).step).not.toHaveProperty("code");
    const { step, decision } = after(
      "Prune/source",
      { ...prune, refused: "HO-K701: too much" },
      {},
      {
        "Transport/vault": "Done",
        "Verify/vault": "Done",
        Seal: "Done",
        Preflight: "Done",
        Accept: "Done",
        Warm: "Done",
        Quiesce: "Done",
        Capture: "Done",
        GiveBack: "Done",
      },
    );
    expect(step).toMatchObject({ state: "Done", code: "HO-K701" });
    expect(decision.events).toContainEqual(expect.objectContaining({ reason: "PruneRefused" }));
  });
});
