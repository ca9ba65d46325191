/** What people read of runs of other types and origins: of the configuration, made of what lies elsewhere, full instead of less. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { aPolicy, aRun } from "../../support/builders.ts";
import { allDone, conditionsOf, copy, generation, id, sealed, summarise, type Copy } from "./run-told.ts";

const done = (name: string, change: Partial<StepRecord> = {}): StepRecord => ({ name, state: "Done", ...change });

describe("of the configuration", () => {
  const run = aRun().of("Config");
  const unchanged = "000001-20261120T010000Z-config";
  const steps = [done("Accept"), done("Preflight"), done("Capture")];
  const look = (last: StepRecord = done("Prune/vault")): RunStatus =>
    summarise([...steps, last], { run, over: true, status: { unchanged, copies: [] } });

  test("that has not changed is complete: what there is has it", () => {
    const status = look();
    expect(status).toMatchObject({
      result: "Complete",
      code: "",
      display: { size: "", copies: "", message: `no change since ${unchanged}` },
    });
    expect(conditionsOf(status)).toMatchObject({ Succeeded: "True Complete", Stalled: "False Fine" });
  });
  test("that has not changed, and something went wrong all the same: failed", () => {
    const trouble = done("Prune/vault", { state: "Failed", code: "HO-K702", message: "odd" });
    expect(look(trouble)).toMatchObject({ result: "Failed", code: "HO-K702" });
  });
  test("that has not changed, while a sink lacks it: at risk, until another run has brought it", () => {
    const late = done("Transport/vault", { state: "Failed", code: "HO-T502", message: "away" });
    const policy = aPolicy().build().spec;
    const made = (state: Copy["state"]): BackupRun =>
      aRun("made")
        .finished("AtRisk", unchanged, { copies: [copy("source", "Verified"), copy("vault", state)] })
        .build();
    const brings = aRun("brings").finished("Complete", id, {
      steps: [
        done("Transport/vault", {
          finishedAt: "2026-11-21T02:00:00Z",
          result: { of: [{ version: 1, step: "transport", ok: true, delivered: [unchanged] }] },
        }),
        done("Verify/vault", {
          finishedAt: "2026-11-21T02:00:01Z",
          result: { of: [{ version: 1, step: "verify", ok: true, verified: [unchanged], damaged: [] }] },
        }),
      ],
    });
    const of = (...siblings: readonly BackupRun[]): string | undefined =>
      summarise([...steps, late], { run, siblings, over: true, status: { unchanged, copies: [], policy } }).result;
    expect(of()).toBe("AtRisk");
    expect(of(made("Missing"))).toBe("AtRisk");
    expect(of(made("Verified"))).toBe("Complete");
    expect(of(made("Missing"), brings.build())).toBe("Complete");
    // Where the run that made it could do without the sink, and the look is of a policy that cannot.
    const optional = (state: Copy["state"]): BackupRun =>
      aRun("made")
        .finished("Complete", unchanged, {
          copies: [copy("source", "Verified"), { ...copy("vault", state), required: false }],
        })
        .build();
    expect(of(optional("Missing"))).toBe("AtRisk");
    expect(of(optional("Verified"))).toBe("Complete");
    expect(of(optional("Missing"), brings.build())).toBe("Complete");
  });
  test("tells its keys, not tables and files", () => {
    const config = { ...generation, id: unchanged, files: 10 };
    const of = (status: RunStatus): string | undefined =>
      summarise(steps, { run, over: true, status: { ...sealed, ...status } }).display?.message;
    expect(of({ generation: config })).toBe("captured while the app ran, 10 keys");
    const { files: _files, ...bare } = config;
    expect(of({ generation: bare })).toBe("captured while the app ran, 0 keys");
  });
});

test("of a run that is over without a generation, and without a reason, nothing is told", () => {
  expect(summarise([done("Accept")], { over: true }).display?.message).toBe("");
});

test("a copy that was not checked is told of as what it is: nobody looked, where the run was made of what lies elsewhere", () => {
  const adopted = {
    type: "Adopted",
    status: "True" as const,
    reason: "Adopted",
    message: "",
    lastTransitionTime: "2026-11-21T01:00:00Z",
  };
  const status = { ...sealed, copies: [copy("source", "Verified"), copy("vault", "Missing")] };
  const of = (more: RunStatus): string | undefined =>
    summarise([done("Accept")], { over: true, status: { ...status, ...more } }).display?.message;
  expect(of({ conditions: [adopted] })).toBe(
    "HO-V602 the run was made of what lies elsewhere, and vault was not looked at",
  );
  const stored = [copy("source", "Verified"), copy("vault", "Stored")];
  expect(of({ conditions: [adopted], copies: stored })).toBe(
    "HO-V602 the run was made of what lies in stores, and nobody has checked the copy at vault yet",
  );
  expect(of({})).toBe("HO-V602 the check at vault did not find this generation");
});

test("full instead of what was asked for: that is told beside the rest", () => {
  const run = aRun().of("Incremental");
  const status = { ...sealed, base: { full: "the chain is long" } };
  expect(summarise(allDone, { run, over: true, status }).display?.message).toBe(
    "10 files, 3 tables; Full instead of Incremental: the chain is long",
  );
});

test("a step per sink is skipped when all of its siblings are over", () => {
  const message = (state: StepRecord["state"]): string | undefined =>
    conditionsOf(summarise([done("Verify/vault", { state: "Skipped" }), done("Verify/attic", { state })]))["Verified"];
  expect([message("Done"), message("Running"), message("Pending")]).toEqual([
    "False Skipped",
    "Unknown InProgress",
    "Unknown InProgress",
  ]);
});

test("the status and its conditions speak of the generation of the run that was seen", () => {
  const status = summarise([done("Accept")], { run: aRun().meta({ generation: 4 }) });
  expect(status.observedGeneration).toBe(4);
  expect(new Set(status.conditions?.map(({ observedGeneration }) => observedGeneration))).toEqual(new Set([4]));
});

test("a copy that nobody requires is not the reason of a run at risk", () => {
  const copies = [copy("attic", "Missing", false), copy("source", "Verified"), copy("vault", "Missing")];
  expect(summarise(allDone, { over: true, status: { ...sealed, copies } })).toMatchObject({
    result: "AtRisk",
    display: { message: "HO-V602 the check at vault did not find this generation" },
  });
});
