/** Whether a policy protects its app, judged by each type of run that it has. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicySpec, PolicyStatus } from "../../../operator/api/kinds.ts";
import type { Decision } from "../../../operator/decide/decision.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { aPolicy, aRun, at, schedule } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

type Type = "Full" | "Incremental" | "Differential" | "Database";
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
  const seen = policy.build();
  const decision = decidePolicy({ policy: seen, runs, restores: [], takenNames: new Set() }, at("12:00"));
  expect(findBrokenRule(decision.status, seen.metadata.generation)).toBeUndefined();
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
      name: "what is based on a full one is the state of the whole app as well",
      runs: [complete(1), failed(2), complete(3, "Incremental")],
      state: "Protected",
      message: `generation ${idOf(3, "Incremental")} is complete`,
    },
    {
      name: "and its failure is not made up for by an older full one",
      runs: [complete(1), failed(2, "Differential"), complete(3, "Database")],
      state: "AtRisk",
      message: "differential-2: HO-S207 did not work",
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
  test.each(["Incremental", "Differential"] as const)("may be of type %s", (type) => {
    expect(judge([complete(1), complete(2, type), complete(3, "Database")]).lastComplete?.generation).toBe(
      idOf(2, type),
    );
  });
  test("is not remembered when its run says that its copies do not count any more", () => {
    const before = judge([complete(1), complete(2, "Incremental")]);
    const lost = aRun("incremental-2").of("Incremental").finished("AtRisk", idOf(2, "Incremental")).build();
    expect(judge([complete(1), lost], both.status(before)).lastComplete?.generation).toBe(idOf(1, "Full"));
    // Its run is gone, and nobody says anything else.
    expect(judge([complete(1)], both.status(before)).lastComplete?.generation).toBe(idOf(2, "Incremental"));
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

describe("of a policy that was edited", () => {
  const edited = (change: Partial<PolicySpec>): typeof both =>
    both
      .spec(change)
      .meta({ generation: 2 })
      .status({
        observedGeneration: 1,
        lastComplete: { run: "full-1", generation: idOf(1, "Full"), time: day(1) },
      });
  const volume = (name: string, claimName = name) => ({
    name,
    claimName,
    class: "Data" as const,
    paths: ["."],
    exclude: [],
  });
  test.each<[string, Partial<PolicySpec>, string]>([
    [
      "a sink that has no copy",
      { sinks: [...both.build().spec.sinks, { ...both.build().spec.sinks[0]!, name: "offsite" }] },
      "copy at sink offsite",
    ],
    [
      "a volume that was never captured",
      { volumes: [...both.build().spec.volumes!, volume("config")] },
      "volume config",
    ],
    ["a volume that is another claim by now", { volumes: [volume("uploads", "other")] }, "volume uploads"],
    [
      "a database that was never captured",
      { databases: [...both.build().spec.databases!, { ...both.build().spec.databases![0]!, name: "wiki" }] },
      "database wiki",
    ],
  ])("%s: what was complete before is not enough", (_what, change, missing) => {
    const { state, display, lastComplete } = judge([complete(1)], edited(change));
    expect({ state, message: display?.message }).toEqual({
      state: "AtRisk",
      message: `generation ${idOf(1, "Full")} is complete, but has no ${missing}`,
    });
    expect(lastComplete).toBeUndefined();
  });
  test("a copy that nobody requires is not missed", () => {
    const offsite = { ...both.build().spec.sinks[0]!, name: "offsite", required: false };
    expect(judge([complete(1)], edited({ sinks: [...both.build().spec.sinks, offsite] })).state).toBe("Protected");
  });
  test("what is remembered counts until then", () => {
    expect(judge([], edited({}).meta({ generation: 1 })).state).toBe("Protected");
    expect(judge([], edited({})).state).toBe("Unprotected");
  });
});

describe("a policy that was made anew", () => {
  const anew = both.meta({ uid: "another-uid" });
  test("has none of the generations of the former one, and says how to take them over", () => {
    expect(judge([complete(1)], anew)).toMatchObject({
      state: "Unprotected",
      display: { message: expect.stringContaining("those of the former policy shop are taken over with: kubectl") },
      conditions: expect.arrayContaining([
        expect.objectContaining({
          type: "Protected",
          message: expect.stringMatching(/annotate bpol shop backup\.handover\.dev\/adopt-lineage=shop-policy-uid$/),
        }),
      ]),
    });
  });
  test("and what failed of the former one is not its failure", () => {
    const old = aRun("old")
      .created(day(2))
      .finished("Failed", undefined, { code: "HO-S207", policyUID: "shop-policy-uid" });
    expect(judge([old.build()], anew).display?.message).not.toContain("HO-S207");
  });
});

describe("a slip of a person", () => {
  const slip = aRun("typo").created(day(2)).finished("Failed", undefined, { code: "HO-P112" });
  test("in a request says nothing about the policy", () => {
    expect(judge([complete(1), slip.build()]).state).toBe("Protected");
  });
  test("in a schedule does", () => {
    const scheduled = { ...slip.build(), spec: { ...slip.build().spec, scheduleName: "nightly" } };
    expect(judge([complete(1), scheduled]).state).toBe("AtRisk");
  });
});
