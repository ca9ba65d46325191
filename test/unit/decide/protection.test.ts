/** Whether a policy protects its app, judged by each type of run that it has. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicyStatus } from "../../../operator/api/kinds.ts";
import type { Decision } from "../../../operator/decide/decision.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { aPolicy, aRun, at, schedule } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

type Type = "Full" | "Database";
const nightly = schedule("nightly", "0 2 * * *");
const hourly = schedule("hourly", "0 * * * *", { type: "Database" });
const both = aPolicy().schedules(nightly, hourly);

const day = (number: number): string => `2026-11-${String(number).padStart(2, "0")}T01:00:00Z`;
const idOf = (number: number, type: Type): string =>
  `${String(number).padStart(6, "0")}-${day(number).replaceAll(/[-:]/g, "")}-${type.toLowerCase()}`;
const complete = (number: number, type: Type = "Full"): BackupRun =>
  aRun(`${type.toLowerCase()}-${number}`)
    .of(type)
    .created(day(number))
    .finished("Complete", idOf(number, type))
    .build();
const failed = (number: number, type: Type = "Full", code: "HO-S207" | "HO-P109" | "HO-R806" = "HO-S207"): BackupRun =>
  aRun(`${type.toLowerCase()}-${number}`)
    .of(type)
    .created(day(number))
    .finished("Failed", undefined, { code, display: { message: `${code} did not work` } })
    .build();
const decide = (runs: readonly BackupRun[], policy = both): Decision<PolicyStatus> => {
  const decision = decidePolicy({ policy: policy.build(), runs, restores: [], takenNames: new Set() }, at("12:00"));
  expect(findBrokenRule(decision.status)).toBeUndefined();
  return decision;
};
const judge = (runs: readonly BackupRun[], policy = both): PolicyStatus => decide(runs, policy).status;

describe("each type of run is judged by itself", () => {
  test.each<{ name: string; runs: readonly BackupRun[]; state: string; message: string }>([
    {
      name: "dumps do not make up for a full run that fails",
      runs: [complete(1), failed(2), complete(3, "Database"), complete(4, "Database")],
      state: "AtRisk",
      message: "full-2: HO-S207 did not work",
    },
    {
      name: "a full run does not make up for dumps that fail",
      runs: [complete(1, "Database"), failed(2, "Database"), complete(3)],
      state: "AtRisk",
      message: "database-2: HO-S207 did not work",
    },
    {
      name: "of several that fail, each is named, the full one first",
      runs: [complete(1), failed(2), failed(3, "Database")],
      state: "AtRisk",
      message: "full-2: HO-S207 did not work; database-3: HO-S207 did not work",
    },
    {
      name: "both are well",
      runs: [failed(1), complete(2), complete(3, "Database")],
      state: "Protected",
      message: `generation ${idOf(2, "Full")} is complete`,
    },
    {
      name: "dumps alone leave the volumes without a backup",
      runs: [complete(1, "Database")],
      state: "AtRisk",
      message: "no complete generation with the volumes yet",
    },
  ])("$name", ({ runs, state, message }) => {
    for (const list of [runs, runs.toReversed()]) expect(judge(list)).toMatchObject({ state, display: { message } });
  });

  test("a dump that nobody has scheduled counts until a full run holds as much", () => {
    const policy = aPolicy().schedules(nightly);
    expect(judge([complete(1), failed(2, "Database")], policy).state).toBe("AtRisk");
    expect(judge([complete(1), failed(2, "Database"), complete(3)], policy).state).toBe("Protected");
  });

  test.each(["HO-P109", "HO-R806"] as const)(
    "a run that was refused because of another one (%s) says nothing",
    (code) => {
      expect(judge([complete(1), failed(2, "Full", code)]).state).toBe("Protected");
      expect(judge([complete(1), failed(2), failed(3, "Full", code)]).display?.message).toBe(
        "full-2: HO-S207 did not work",
      );
      expect(judge([failed(1, "Full", code)])).toMatchObject({
        state: "Unprotected",
        display: { message: "no complete generation yet" },
      });
    },
  );

  test("the run that the state rests on is kept, however many have failed since", () => {
    const runs = [
      complete(1),
      failed(2),
      ...[3, 4, 5, 6, 7, 8, 9].map((number) => failed(number, "Database")),
      ...[10, 11].map((number) => failed(number, "Full", "HO-P109")),
    ];
    const { actions } = decide(runs);
    const gone = actions.flatMap((action) => (action.do === "deleteRun" ? [action.run.metadata.name] : []));
    expect(gone).not.toContain("full-2");
    expect(gone).toContain("database-3");
  });
});

describe("the newest complete generation", () => {
  const volumeless = aPolicy().spec({ volumes: [] });

  test("holds the volumes, where the policy has some", () => {
    expect(judge([complete(1), complete(2, "Database")]).lastComplete?.generation).toBe(idOf(1, "Full"));
    expect(judge([complete(2, "Database")]).lastComplete).toBeUndefined();
  });
  test("is of any type without volumes", () => {
    expect(judge([complete(1), complete(2, "Database")], volumeless)).toMatchObject({
      state: "Protected",
      lastComplete: { generation: idOf(2, "Database") },
    });
  });
  test("is not remembered when it holds no volumes", () => {
    const before = judge([complete(2, "Database")], volumeless);
    expect(judge([complete(1)], both.status(before)).lastComplete?.generation).toBe(idOf(1, "Full"));
    expect(judge([], both.status(before)).lastComplete).toBeUndefined();
  });
});
