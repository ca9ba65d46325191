/** What counts for the protection of an app and what does not, at the edges: records that were made, copies, former policies. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicySpec, RunStatus } from "../../../operator/api/kinds.ts";
import { type Protection, isOf, judgeProtection, newestFirst } from "../../../operator/decide/protection.ts";
import { aPolicy, aRun, schedule } from "../../support/builders.ts";

const policy = aPolicy();
const day = (number: number): string => `2026-11-${String(number).padStart(2, "0")}T01:00:00Z`;
const idOf = (number: number, type = "full"): string =>
  `${String(number).padStart(6, "0")}-${day(number).replaceAll(/[-:]/g, "")}-${type}`;
const complete = (number: number, status: RunStatus = {}): ReturnType<typeof aRun> =>
  aRun(`run-${number}`).created(day(number)).finished("Complete", idOf(number), status);
const failed = (number: number, status: RunStatus = {}): ReturnType<typeof aRun> =>
  aRun(`run-${number}`)
    .created(day(number))
    .finished("Failed", undefined, { code: "HO-S207", display: { message: "HO-S207 it stays" }, ...status });
const judge = (of: typeof policy, ...runs: readonly ReturnType<typeof aRun>[]): Protection =>
  judgeProtection(
    of.build(),
    runs.map((run) => run.build()),
  );
const names = (runs: readonly BackupRun[]): readonly string[] => runs.map(({ metadata }) => metadata.name);

describe("says nothing of how runs go", () => {
  const condition = { status: "True" as const, reason: "Done", message: "", lastTransitionTime: day(1) };
  const made: RunStatus = {
    conditions: ["Accepted", "Adopted", "Finished"].map((type) => ({ ...condition, type })),
    display: { message: "HO-V602 unchecked" },
  };
  test.each<[string, ReturnType<typeof aRun>]>([
    ["a record that was made of a generation", aRun("made").created(day(2)).finished("AtRisk", idOf(9), made)],
    ["a request for a sink that is not there", failed(2, { code: "HO-P112" })],
    ["a request for what the policy does not have", failed(2, { code: "HO-P108" })],
    ["a run that goes on", aRun("now").created(day(2))],
  ])("%s", (_what, run) => {
    expect(judge(policy, complete(1), run)).toMatchObject({
      state: "Protected",
      basis: [{ metadata: { name: "run-1" } }],
    });
  });
  test.each(["HO-P112", "HO-P108"] as const)("but a schedule that asks for that (%s) does", (code) => {
    const run = failed(2, { code }).slot("nightly", day(2));
    expect(judge(policy, complete(1), run).state).toBe("AtRisk");
  });
});

describe("dumps that nobody has scheduled count until a full run holds as much", () => {
  const dump = failed(2).of("Database");
  const hourly = policy.schedules(schedule("hourly", "0 * * * *", { type: "Database" }));
  test.each<[string, typeof policy, readonly ReturnType<typeof aRun>[], readonly string[]]>([
    ["not before", policy, [complete(1), dump], ["run-1", "run-2"]],
    ["then no more", policy, [dump, complete(3)], ["run-3"]],
    ["not one that failed", policy, [dump, failed(3)], ["run-3", "run-2"]],
    ["nor where they are scheduled", hourly, [dump, complete(3)], ["run-3", "run-2"]],
    [
      "nor where another dump came after it",
      policy,
      [dump, complete(3), complete(4).of("Database")],
      ["run-3", "run-4"],
    ],
  ])("%s", (_what, of, runs, basis) => {
    expect(names(judge(of, ...runs).basis)).toEqual(basis);
  });
});

describe("what is missing is named", () => {
  const [shop] = policy.build().spec.databases!;
  const wiki = { ...shop!, name: "wiki" };
  const [vault] = policy.build().spec.sinks;
  const offsite = { ...vault!, name: "offsite" };
  const edited = (change: Partial<PolicySpec>): typeof policy => policy.spec(change).meta({ generation: 2 });
  test.each<[string, Partial<PolicySpec>, RunStatus, string]>([
    [
      "all of it",
      { databases: [shop!, wiki], sinks: [vault!, offsite] },
      {},
      "has no database wiki and no copy at sink offsite",
    ],
    [
      "a copy that is there and is not checked",
      {},
      { copies: [{ location: "vault", state: "Stored", required: true }] },
      "has no copy at sink vault",
    ],
    [
      "every part of a run whose policy nobody knows",
      {},
      { policy: undefined as never },
      "has no database shop and no volume uploads",
    ],
  ])("%s", (_what, change, status, message) => {
    expect(judge(edited(change), complete(1, status)).message).toBe(
      `generation ${idOf(1)} is complete, but ${message}`,
    );
  });
  test("of the newest that could have it", () => {
    const both = [complete(1), complete(2), complete(3).of("Database")];
    expect(judge(edited({ databases: [shop!, wiki] }), ...both).message).toContain(`generation ${idOf(2)} is complete`);
  });
  test("of a dump where there are no volumes", () => {
    const dump = aRun("dump").of("Database").created(day(2)).finished("Complete", idOf(2, "database")).build();
    const change = { volumes: [], databases: [shop!, wiki] };
    expect(judgeProtection(edited(change).build(), [dump]).message).toBe(
      `generation ${idOf(2, "database")} is complete, but has no database wiki`,
    );
    expect(judgeProtection(edited({ databases: [shop!, wiki] }).build(), [dump]).message).toBe(
      "no complete generation with the volumes yet",
    );
  });
  test("a policy that has no parts of a kind lacks none of it", () => {
    const { databases: _databases, volumes: _volumes, ...bare } = policy.build().spec;
    const of = { ...policy.build(), spec: bare };
    expect(judgeProtection(of, [complete(1).build()]).state).toBe("Protected");
  });
});

describe("the generations of a former policy of the same name", () => {
  const anew = policy.meta({ uid: "new-uid" });
  test("are not its own, and the way to them leads to the last of the former ones", () => {
    const former = (number: number, policyUID: string): ReturnType<typeof aRun> => complete(number, { policyUID });
    const { state, message, basis } = judge(anew, former(1, "first-uid"), former(2, "second-uid"), failed(3));
    expect([state, names(basis)]).toEqual(["Unprotected", ["run-3"]]);
    expect(judge(anew, former(1, "first-uid"), former(2, "second-uid")).message).toMatch(/adopt-lineage=second-uid$/);
    expect(message).toBe("run-3: HO-S207 it stays");
  });
  test.each<[string, string | undefined, boolean]>([
    ["is one with its uid", "shop-policy-uid", true],
    ["is one that does not say whose it is", undefined, true],
    ["is not one with another", "former-uid", false],
  ])("its own %s", (_what, policyUID, expected) => {
    expect(isOf(policy.build())({ status: policyUID === undefined ? {} : { policyUID } })).toBe(expected);
  });
});

describe("what is remembered of a run that is gone", () => {
  const lastComplete = { run: "gone", generation: idOf(1), time: day(1) };
  const known = policy.status({ observedGeneration: 1, lastComplete });
  test("counts, whatever becomes of others", () => {
    expect(judge(known, failed(2))).toMatchObject({
      state: "AtRisk",
      message: "run-2: HO-S207 it stays",
      lastComplete,
    });
    const other = aRun("other")
      .created(day(2))
      .finished("AtRisk", idOf(2), { display: { message: "x" } });
    expect(judge(known, other)).toMatchObject({ state: "AtRisk", lastComplete });
    expect(judge(known)).toMatchObject({ state: "Protected", lastComplete });
  });
  test("does not when its own run is there and says otherwise", () => {
    const own = aRun("gone")
      .created(day(1))
      .finished("AtRisk", idOf(1), { display: { message: "x" } });
    expect(judge(known, own).lastComplete).toBeUndefined();
  });
});

test("parts are found among others", () => {
  const { databases = [], volumes = [] } = policy.build().spec;
  const of = policy.spec({
    databases: [{ ...databases[0]!, name: "wiki" }, ...databases],
    volumes: [{ ...volumes[0]!, name: "mail", claimName: "shop-mail" }, ...volumes],
  });
  expect(judge(of, complete(1, { policy: of.build().spec })).state).toBe("Protected");
});

test("the configuration is judged by its own runs", () => {
  const of = policy.spec({ config: { configMaps: [{ name: "settings" }] } });
  const config = aRun("config").of("Config").created(day(1)).finished("Complete", idOf(1, "config"));
  expect(names(judge(of, config, complete(2)).basis)).toEqual(["run-2", "config"]);
});

test("of a configuration the newest is no generation of the app", () => {
  const dumps = policy.spec({ volumes: [] });
  const config = aRun("config").of("Config").created(day(3)).finished("Complete", idOf(3, "config"));
  const dump = aRun("dump").of("Database").created(day(2)).finished("Complete", idOf(2, "database"));
  expect(judge(dumps, config).message).toBe("no complete generation yet");
  expect(judge(policy, config).message).toBe("no complete generation with the volumes yet");
  expect(judge(dumps, dump, config).lastComplete).toEqual({
    run: "dump",
    generation: idOf(2, "database"),
    time: day(21),
  });
});

test("the number decides which complete generation is the newest, not the order of the runs", () => {
  for (const runs of [
    [complete(2), complete(1)],
    [complete(1), complete(2)],
  ])
    expect(judge(policy, ...runs).lastComplete?.run).toBe("run-2");
});

test("runs are looked at newest first", () => {
  const runs = [2, 3, 1].map((number) => complete(number).build());
  expect(names(newestFirst(runs))).toEqual(["run-3", "run-2", "run-1"]);
});

test("only runs that have sealed something put the state between protected and not", () => {
  const sealed = aRun("sealed")
    .created(day(1))
    .finished("AtRisk", idOf(1), { display: { message: "x" } });
  expect(judge(policy, sealed)).toMatchObject({ state: "AtRisk", message: "sealed: x" });
  expect(judge(policy, failed(1)).state).toBe("Unprotected");
  expect(judge(policy)).toMatchObject({ state: "Unprotected", message: "no complete generation yet" });
});
