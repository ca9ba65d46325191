/** What is told in events about steps: each end once, each trouble once, and the end of the whole. */
import { describe, expect, test } from "@jest/globals";
import { reasonOf } from "../../../operator/api/codes.ts";
import type { RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { DomainEvent } from "../../../operator/decide/decision.ts";
import { type Teller, stepEvents } from "../../../operator/decide/step-events.ts";

const teller: Teller = { kind: "Run", conditionOf: { Seal: "Sealed", Verify: "Verified" }, complete: "all is well" };

const told = (before: Pick<RunStatus, "steps">, after: Pick<RunStatus, "steps">): readonly DomainEvent[] =>
  stepEvents(teller, before, after);

describe("of a step", () => {
  const refused = reasonOf("HO-P114");
  test.each<[string, StepRecord, readonly DomainEvent[]]>([
    [
      "that is done: its condition",
      { name: "Seal", state: "Done", message: "12 files" },
      [{ type: "Normal", reason: "Sealed", message: "12 files" }],
    ],
    [
      "that is done at a sink: the sink's name",
      { name: "Verify/vault", state: "Done", message: "12 files" },
      [{ type: "Normal", reason: "Verified", message: "vault: 12 files" }],
    ],
    [
      "that stands for no condition: its own name",
      { name: "Preflight/vault", state: "Done" },
      [{ type: "Normal", reason: "PreflightDone", message: "vault: " }],
    ],
    [
      "without a message: none",
      { name: "Preflight", state: "Done" },
      [{ type: "Normal", reason: "PreflightDone", message: "" }],
    ],
    [
      "that was carried out and did not do what it is for: the trouble alone",
      { name: "Prune/vault", state: "Done", code: "HO-P114", message: "nothing pruned" },
      [{ type: "Warning", reason: refused, message: "HO-P114 vault: nothing pruned" }],
    ],
    [
      "that failed",
      { name: "Seal", state: "Failed", code: "HO-P114", message: "no room" },
      [{ type: "Warning", reason: refused, message: "HO-P114 no room" }],
    ],
    [
      "that waits for its next attempt",
      { name: "Seal", state: "Waiting", code: "HO-P114", message: "no room" },
      [{ type: "Warning", reason: refused, message: "HO-P114 no room" }],
    ],
    ["that waits as it should: nothing", { name: "GiveBack", state: "Waiting", message: "for its pods" }, []],
    ["that tries again after a trouble: nothing", { name: "Seal", state: "Running", code: "HO-P114" }, []],
    ["that runs: nothing", { name: "Seal", state: "Running" }, []],
    ["that was skipped: nothing", { name: "Seal", state: "Skipped" }, []],
    ["that accepted: nothing, the object was only made", { name: "Accept", state: "Done" }, []],
  ])("%s", (_what, step, expected) => {
    expect(told({ steps: [{ name: step.name, state: "Pending" }] }, { steps: [step] })).toEqual(expected);
    // Told once, and told at once of a record that is new.
    expect(told({ steps: [step] }, { steps: [step] })).toEqual([]);
    expect(told({}, { steps: [step] })).toEqual(expected);
  });

  test("there is none without steps", () => {
    expect(told({}, {})).toEqual([]);
  });
});

describe("of the end", () => {
  const at = (result: string | undefined, advice?: string): readonly DomainEvent[] =>
    stepEvents(teller, {}, { result, ...(advice === undefined ? {} : { advice }) });
  test.each<[string, readonly (string | undefined)[], readonly DomainEvent[]]>([
    ["none while it goes on", [""], []],
    ["none for a record without a result", [undefined], []],
    ["complete", ["Complete"], [{ type: "Normal", reason: "RunComplete", message: "all is well" }]],
    ["complete, without advice", ["Complete", ""], [{ type: "Normal", reason: "RunComplete", message: "all is well" }]],
    ["at risk, and what to do", ["AtRisk", "look"], [{ type: "Warning", reason: "RunAtRisk", message: "look" }]],
  ])("%s", (_what, [result, advice], expected) => {
    expect(at(result, advice)).toEqual(expected);
  });
});
