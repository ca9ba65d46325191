/** What is told of the copies of a run: those that arrive late, that are removed, and that count. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { BackupRun, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { MoverSuccess, ResultOf } from "../../../operator/contract/result.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { aPolicy, aRun, anApp, at, doneStep, settings, sink } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

const id = "000001-20261121T010000Z-full";
const ok = { version: 1, ok: true } as const;
const effort = { bytes: 1, seconds: 1 };
const transport = (...delivered: string[]): MoverSuccess => ({ ...ok, ...effort, step: "transport", delivered });
const verify = (verified: string[], damaged: string[] = []): ResultOf<"verify"> => ({
  ...ok,
  ...effort,
  step: "verify",
  verified,
  damaged,
});
const prune = (...removed: string[]): ResultOf<"prune"> => ({
  ...ok,
  step: "prune",
  location: { name: "vault", uuid: "u", generations: 1, verified: 1, bytes: 1, freeBytes: 1 },
  settled: [],
  pending: 0,
  removed: removed.map((one) => ({ id: one, why: "beyond last 7" })),
  kept: [],
});
/** What one of the places tells by numbers only. */
const present = (ranges: string, since = 1): ResultOf<"prune"> => ({ ...prune(), present: { since, ranges } });
const verifiedOf = (ranges: string): ResultOf<"verify"> => ({ ...verify([]), sequences: { since: 1, ranges } });
const time = (hour: number): string => `2026-11-21T${String(hour).padStart(2, "0")}:00:00.000Z`;
const later = (name: string, ...steps: readonly StepRecord[]): BackupRun => aRun(name).status({ steps }).build();

/** A finished run whose copy did not get to the vault. */
const atRisk = (steps: readonly StepRecord[] = []): BackupRun =>
  aRun()
    .finished("AtRisk", id, {
      policy: aPolicy().build().spec,
      app: "Up",
      copies: [
        { location: "source", state: "Verified", required: true, time: time(1) },
        { location: "vault", state: "Missing", required: true },
      ],
      steps: [
        doneStep("Accept", time(1)),
        doneStep("Seal", time(1)),
        {
          name: "Transport/vault",
          state: "Failed",
          attempt: 4,
          finishedAt: time(1),
          code: "HO-T501",
          message: "no route",
        },
        ...steps,
      ],
    })
    .build();
const look = (run: BackupRun, siblings: readonly BackupRun[]): RunStatus => {
  const seen = {
    run,
    policy: undefined,
    siblings,
    restores: [],
    app: anApp({ workloads: [] }),
    jobs: new Map(),
    settings,
  };
  const { status, actions } = decideRun(seen, at("23:00"));
  expect(actions).toEqual([]);
  expect(findBrokenRule(status)).toBeUndefined();
  return status;
};

describe("a copy that a later run tells of", () => {
  test.each<{ name: string; siblings: readonly BackupRun[]; state: string; result: string; time: string | undefined }>([
    {
      name: "nothing: stays missing",
      siblings: [later("b", doneStep("Transport/vault", time(3), transport("000002-20261122T010000Z-full")))],
      state: "Missing",
      result: "AtRisk",
      time: undefined,
    },
    {
      name: "brought over: is stored, and does not count yet",
      siblings: [later("b", doneStep("Transport/vault", time(3), transport(id)))],
      state: "Stored",
      result: "AtRisk",
      time: time(3),
    },
    {
      name: "brought over and verified: the run is complete",
      siblings: [
        later(
          "b",
          doneStep("Transport/vault", time(3), transport(id)),
          doneStep("Verify/vault", time(4), verify([id])),
        ),
      ],
      state: "Verified",
      result: "Complete",
      time: time(4),
    },
    {
      name: "at another sink: is not this one",
      siblings: [later("b", doneStep("Verify/offsite", time(4), verify([id])))],
      state: "Missing",
      result: "AtRisk",
      time: undefined,
    },
    {
      name: "verified and pruned: it was there, and may go",
      siblings: [
        later("b", doneStep("Verify/vault", time(4), verify([id])), doneStep("Prune/vault", time(5), prune(id))),
      ],
      state: "Pruned",
      result: "Complete",
      time: time(5),
    },
    {
      name: "verified, by its number",
      siblings: [later("b", doneStep("Verify/vault", time(4), verifiedOf("1-40")))],
      state: "Verified",
      result: "Complete",
      time: time(4),
    },
    {
      name: "by its number, of a policy of this name that is another: is not this one",
      siblings: [
        aRun("b")
          .status({ policyUID: "another", steps: [doneStep("Verify/vault", time(4), verifiedOf("1-40"))] })
          .build(),
      ],
      state: "Missing",
      result: "AtRisk",
      time: undefined,
    },
    {
      name: "verified, and not there any more, although nobody has said that it was removed",
      siblings: [
        later(
          "b",
          doneStep("Verify/vault", time(4), verify([id])),
          doneStep("Prune/vault", time(5), present("1-9")),
          doneStep("Prune/vault", time(6), present("2-9")),
        ),
      ],
      state: "Pruned",
      result: "Complete",
      time: time(6),
    },
    ...[present("", 1), present("4-9", 2), present("2-9")].map((report, index) => ({
      name: `verified, and a report that proves nothing (${index})`,
      siblings: [
        // The last one is older than what is known.
        later("b", doneStep("Prune/vault", time(index === 2 ? 3 : 5), report)),
        later("c", doneStep("Verify/vault", time(4), verify([id]))),
      ],
      state: "Verified",
      result: "Complete",
      time: time(4),
    })),
    {
      name: "damaged: does not count",
      siblings: [later("b", doneStep("Verify/vault", time(4), verify([], [id])))],
      state: "Damaged",
      result: "AtRisk",
      time: time(4),
    },
    {
      name: "damaged, then brought over again: counts",
      siblings: [
        later("b", doneStep("Verify/vault", time(4), verify([], [id]))),
        later("c", doneStep("Verify/vault", time(6), verify([id]))),
      ],
      state: "Verified",
      result: "Complete",
      time: time(6),
    },
    {
      name: "verified, then found damaged: does not count",
      siblings: [
        later("b", doneStep("Verify/vault", time(4), verify([id]))),
        later("c", doneStep("Verify/vault", time(6), verify([], [id]))),
      ],
      state: "Damaged",
      result: "AtRisk",
      time: time(6),
    },
  ])("$name", ({ siblings, state, result, time: since }) => {
    for (const order of [siblings, siblings.toReversed()]) {
      const status = look(atRisk(), order);
      expect(status.copies?.[1]).toMatchObject({ location: "vault", state });
      expect(status.copies?.[1]?.time).toBe(since);
      expect(status).toMatchObject({ result, code: result === "Complete" ? "" : "HO-T501", app: "Up" });
    }
  });

  test("is told as an event when it makes the run complete", () => {
    const siblings = [later("b", doneStep("Verify/vault", time(4), verify([id])))];
    const seen = { run: atRisk(), policy: undefined, siblings, restores: [], app: anApp(), jobs: new Map(), settings };
    expect(decideRun(seen, at("23:00")).events.map(({ reason }) => reason)).toEqual(["LateCopyArrived"]);
  });
  test("is never taken back: what was pruned stays pruned", () => {
    const pruned = look(atRisk(), [
      later("b", doneStep("Verify/vault", time(4), verify([id])), doneStep("Prune/vault", time(5), prune(id))),
    ]);
    const again = look({ ...atRisk(), status: pruned }, [
      later("c", doneStep("Verify/vault", time(9), verify([], [id]))),
    ]);
    expect(again.copies?.[1]?.state).toBe("Pruned");
  });

  test("is the same at every further look, whatever has been reported", () => {
    const report = fc.record({
      hour: fc.integer({ min: 2, max: 20 }),
      sink: fc.constantFrom("vault", "source"),
      what: fc.constantFrom(
        doneStep("Transport/x", "", transport(id)),
        doneStep("Verify/x", "", verify([id])),
        doneStep("Verify/x", "", verify([], [id])),
        doneStep("Prune/x", "", prune(id)),
        doneStep("Verify/x", "", verify([])),
        doneStep("Verify/x", "", verifiedOf("1-3")),
        doneStep("Verify/x", "", verifiedOf("2-3")),
        doneStep("Prune/x", "", present("1-3")),
        doneStep("Prune/x", "", present("2-3")),
      ),
      own: fc.boolean(),
    });
    const uncopied: StepRecord = {
      name: "Verify/vault",
      state: "Failed",
      finishedAt: time(2),
      code: "HO-V602",
      message: "x",
    };
    const unpruned: StepRecord = {
      name: "Prune/vault",
      state: "Failed",
      finishedAt: time(2),
      code: "HO-K703",
      message: "x",
    };
    const ends = fc.constantFrom<readonly StepRecord[]>(
      [],
      [unpruned],
      [doneStep("Transport/vault", time(1)), uncopied],
    );
    fc.assert(
      fc.property(fc.array(report, { maxLength: 6 }), ends, (reports, failed) => {
        const steps = reports.map(({ hour, sink: where, what, own }) => ({
          own,
          step: { ...what, name: what.name.replace("x", where), finishedAt: time(hour) },
        }));
        const run = atRisk([...failed, ...steps.flatMap(({ own, step }) => (own ? [step] : []))]);
        const siblings = steps.flatMap(({ own, step }, index) => (own ? [] : [later(`s${index}`, step)]));
        const first = look(run, siblings);
        expect(look({ ...run, status: first }, siblings)).toEqual(first);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a check that is less than the policy asks for", () => {
  const stored = (mode: "Full" | "Sample" | "None"): RunStatus => {
    const run = atRisk([doneStep("Verify/vault", time(3), verify([]))]);
    const policy = aPolicy()
      .sinks(sink("vault", { verify: mode }))
      .build().spec;
    return look(
      {
        ...run,
        status: {
          ...run.status,
          policy,
          copies: [run.status!.copies![0]!, { location: "vault", state: "Stored", required: true }],
        },
      },
      [],
    );
  };
  test.each([
    { mode: "Full" as const, result: "AtRisk" },
    { mode: "Sample" as const, result: "Complete" },
    { mode: "None" as const, result: "Complete" },
  ])("$mode: $result", ({ mode, result }) => {
    expect(stored(mode).result).toBe(result);
  });
});
