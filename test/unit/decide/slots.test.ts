/** Several schedules that are due at one moment: which starts first, which is not needed any more, and which is all the same. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy, BackupRun, PolicySpec, PolicyStatus, RunStatus } from "../../../operator/api/kinds.ts";
import type { Decision } from "../../../operator/decide/decision.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { type GenerationType, formatGenerationId } from "../../../operator/domain/generation.ts";
import { aPolicy, aRun, at, schedule, sink } from "../../support/builders.ts";

type Schedule = NonNullable<PolicySpec["schedules"]>[number];
const due = (name: string, type: GenerationType, change: Partial<Schedule> = {}): Schedule =>
  schedule(name, "0 2 * * *", { type, ...change });

function decide(policy: BackupPolicy, now: number, runs: readonly BackupRun[] = []): Decision<PolicyStatus> {
  return decidePolicy({ policy, runs, restores: [], takenNames: new Set() }, now);
}
const startedBy = ({ actions }: Decision<PolicyStatus>): string | undefined =>
  actions.map((action) => (action.do === "createRun" ? action.name.split("-")[1] : undefined)).find(Boolean);
const skipped = (decision: Decision<PolicyStatus>, name: string): string | undefined =>
  decision.status.schedules?.find((one) => one.name === name)?.skipped;

/** Seen for the first time at midnight. */
const policyWith = (...schedules: readonly Schedule[]): BackupPolicy => {
  const policy = aPolicy()
    .sinks(sink("vault"), sink("archive", { required: false }))
    .schedules(...schedules);
  return policy.status(decide(policy.build(), at("00:00")).status).build();
};
/** A run of the schedule, from 02:00 on, with the generation that it made; without one it has failed. */
const ended = (
  name: string,
  made: GenerationType | undefined,
  change: { sinks?: string[]; clock?: string } = {},
): BackupRun => {
  const { sinks = ["vault", "archive"], clock = "02:00:03" } = change;
  const run = aRun(`shop-${name}-20261121-0200`).slot(name, "2026-11-21T02:00:00.000Z");
  if (made === undefined) return run.finished("Failed").build();
  const copies = ["source", ...sinks].map((location) => ({ location, state: "Verified" as const, required: true }));
  return run.finished("Complete", formatGenerationId(7, `2026-11-21T${clock}Z`, made), { copies }).build();
};
/** Names of the schedules in the order in which they start, and why others do not; each run makes what its schedule asks for. */
function play(policy: BackupPolicy, fails: readonly string[] = []): readonly string[] {
  const story: string[] = [];
  const runs: BackupRun[] = [];
  let before = policy;
  for (let minute = 0; minute < 50; minute += 10) {
    const decision = decide(before, at(`02:${String(minute).padStart(2, "0")}`), runs);
    before = { ...before, status: decision.status };
    const name = startedBy(decision);
    if (name === undefined) break;
    story.push(name);
    const { type, sinks } = policy.spec.schedules!.find((one) => one.name === name)!;
    const made = fails.includes(name) ? undefined : type;
    runs.push(
      ended(name, made, {
        ...(sinks === undefined ? {} : { sinks: [...sinks] }),
        clock: `02:${minute + 1}:00`.padEnd(8, "0"),
      }),
    );
  }
  return story;
}

describe("of slots of one minute", () => {
  const full = due("full", "Full");
  const differential = due("diff", "Differential");
  const incremental = due("incr", "Incremental");
  const dump = due("dump", "Database");

  test.each<[string, readonly Schedule[], readonly string[]]>([
    [
      "a full one makes the others unnecessary, but not a dump",
      [dump, incremental, differential, full],
      ["full", "dump"],
    ],
    ["a differential one makes an incremental one unnecessary", [incremental, differential, dump], ["diff", "dump"]],
    ["two full ones are one", [full, due("other", "Full")], ["full"]],
    ["two dumps are two", [dump, due("other", "Database")], ["dump", "other"]],
    [
      "the one for all sinks comes first, and makes the one for a few unnecessary",
      [due("weekly", "Full", { sinks: ["vault"] }), due("monthly", "Full")],
      ["monthly"],
    ],
    [
      "one for another sink is needed all the same",
      [due("weekly", "Full", { sinks: ["vault"] }), due("monthly", "Full", { sinks: ["archive"] })],
      ["weekly", "monthly"],
    ],
    [
      "a full one for a few sinks does not make an incremental one for all unnecessary",
      [incremental, due("weekly", "Full", { sinks: ["vault"] })],
      ["weekly", "incr"],
    ],
  ])("%s", (_name, schedules, order) => {
    expect(play(policyWith(...schedules))).toEqual(order);
  });
  test("a full one that fails costs nobody his backup", () => {
    expect(play(policyWith(full, incremental), ["full"])).toEqual(["full", "incr"]);
    expect(play(policyWith(full, differential, incremental, dump), ["full", "diff"])).toEqual([
      "full",
      "diff",
      "incr",
      "dump",
    ]);
  });
  test("one that is not needed says which generation has it", () => {
    const policy = policyWith(full, incremental);
    const waits = decide(policy, at("02:00:01"), [
      aRun("shop-full-20261121-0200").slot("full", "2026-11-21T02:00:00.000Z").build(),
    ]);
    expect(skipped(waits, "incr")).toBe("waits for run shop-full-20261121-0200");
    const over = decide({ ...policy, status: waits.status }, at("02:30"), [ended("full", "Full")]);
    expect(startedBy(over)).toBeUndefined();
    expect(skipped(over, "incr")).toBe(
      "not needed: 000007-20261121T020003Z-full has the state of this time or a later one",
    );
    // On record: the run may be deleted, and the slot is passed by all the same.
    expect(startedBy(decide({ ...policy, status: over.status }, at("02:31")))).toBeUndefined();
  });
});

describe("a slot is needed", () => {
  const incremental = policyWith(due("incr", "Incremental"));
  const differential = policyWith(due("diff", "Differential"));
  const byHand = (made: GenerationType, clock: string): BackupRun =>
    aRun("by-hand")
      .finished("Complete", formatGenerationId(7, `2026-11-21T${clock}Z`, made), {
        copies: ["source", "vault", "archive"].map((location) => ({ location, state: "Verified", required: true })),
      })
      .build();

  const withCopy = (run: BackupRun, copy: NonNullable<RunStatus["copies"]>[number]): BackupRun => ({
    ...run,
    status: {
      ...run.status,
      copies: run.status!.copies!.map((one) => (one.location === copy.location ? { ...one, ...copy } : one)),
    },
  });
  function edited({ spec, ...rest }: BackupPolicy, what: "database" | "volume" | "path"): BackupPolicy {
    const { databases = [], volumes = [] } = spec;
    const changed = {
      database: { databases: [...databases, ...databases.map((one) => ({ ...one, name: "other" }))] },
      volume: { volumes: volumes.map((one) => ({ ...one, claimName: "other" })) },
      path: { volumes: volumes.map((one) => ({ ...one, paths: ["."], exclude: ["cache"] })) },
    }[what];
    return { ...rest, spec: { ...spec, ...changed } };
  }

  test.each<{ name: string; policy: BackupPolicy; run: BackupRun; needed: boolean }>([
    { name: "unless a person has made one since", policy: incremental, run: byHand("Full", "02:10:00"), needed: false },
    {
      name: "unless one was captured in its very minute",
      policy: incremental,
      run: byHand("Full", "02:00:00"),
      needed: false,
    },
    {
      name: "when what a person has made is older",
      policy: incremental,
      run: byHand("Full", "01:59:59"),
      needed: true,
    },
    { name: "when there is a dump alone", policy: incremental, run: byHand("Database", "02:10:00"), needed: true },
    {
      name: "unless an incremental one has it",
      policy: incremental,
      run: byHand("Incremental", "02:10:00"),
      needed: false,
    },
    {
      name: "of type Differential, when an incremental one has it",
      policy: differential,
      run: byHand("Incremental", "02:10:00"),
      needed: true,
    },
    {
      name: "when it is of a former policy of the name",
      policy: incremental,
      run: aRun("b")
        .status({ ...byHand("Full", "02:10:00").status, policyUID: "other" })
        .build(),
      needed: true,
    },
    {
      name: "when its copy does not go where the slot asks for",
      policy: incremental,
      run: ended("x", "Full", { sinks: ["archive"], clock: "02:10:00" }),
      needed: true,
    },
    ...(["Damaged", "Pruned", "Missing"] as const).map((state) => ({
      name: `when its copy at one of the sinks is ${state}`,
      policy: incremental,
      run: withCopy(byHand("Full", "02:10:00"), { location: "archive", state }),
      needed: true,
    })),
    ...(["database", "volume", "path"] as const).map((what) => ({
      name: `when the policy has got another ${what} since`,
      policy: edited(incremental, what),
      run: byHand("Full", "02:10:00"),
      needed: true,
    })),
    {
      name: "when its time is from a clock that ran ahead",
      policy: incremental,
      run: aRun("b")
        .status({ ...byHand("Full", "02:10:00").status, generation: { id: "000007-20310101T000000Z-full" } })
        .build(),
      needed: true,
    },
  ])("$name", ({ policy, run, needed }) => {
    expect(startedBy(decide(policy, at("02:30"), [run])) !== undefined).toBe(needed);
  });

  test("a generation of type Full that an incremental run has made counts as what it is", () => {
    const made = aRun("b").of("Incremental").status(byHand("Full", "02:10:00").status).build();
    expect(startedBy(decide(differential, at("02:30"), [made]))).toBeUndefined();
  });
  test("and not told of as missed when another generation has it, however late it is looked at", () => {
    const late = decide(incremental, at("09:00"), [byHand("Full", "02:10:00")]);
    expect(skipped(late, "incr")).toMatch(/^not needed/);
    expect(skipped(decide(incremental, at("09:00")), "incr")).toBe("missed by more than startingDeadline");
  });
});

describe("what is known of a schedule", () => {
  const policy = policyWith(due("full", "Full"));
  const known = ({ status }: Decision<PolicyStatus>): unknown => status.schedules?.[0];
  const later = (
    decision: Decision<PolicyStatus>,
    clock: string,
    runs?: readonly BackupRun[],
  ): Decision<PolicyStatus> => decide({ ...policy, status: decision.status }, at(clock), runs);

  test("begins with no slot and no word", () => {
    expect(policyWith(due("full", "Full")).status?.schedules).toStrictEqual([
      { name: "full", since: "2026-11-21T00:00:00.000Z", cron: "0 2 * * * Etc/UTC", skipped: "" },
    ]);
  });
  test("a slot may be late by just its startingDeadline", () => {
    expect(startedBy(decide(policy, at("08:00")))).toBe("full");
    expect(startedBy(decide(policy, at("08:00:01")))).toBeUndefined();
  });
  test("why a slot was passed by stays until the next one", () => {
    const missed = decide(policy, at("09:00"));
    const word = "missed by more than startingDeadline";
    expect(known(missed)).toMatchObject({ lastSlot: "2026-11-21T02:00:00.000Z", skipped: word });
    expect(known(later(missed, "10:00"))).toEqual(known(missed));
    const next = decide({ ...policy, status: missed.status }, at("02:00", "2026-11-22"));
    expect([startedBy(next), skipped(next, "full")]).toEqual(["full", ""]);
  });
  test("a run's slot is one that was, also of a schedule that was changed", () => {
    const changed = policyWith(due("full", "Full", { timeZone: "UTC" }));
    const run = ended("full", "Full");
    const decision = decide({ ...changed, status: policy.status! }, at("03:00"), [run]);
    expect(known(decision)).toMatchObject({ since: "2026-11-21T03:00:00.000Z", skipped: "" });
    expect(known(decision)).toMatchObject({ lastSlot: "2026-11-21T02:00:00.000Z" });
  });
  test.each([
    { ahead: "2026-11-21T03:00:00.000Z", since: "2026-11-21T03:00:00.000Z" },
    { ahead: "2026-11-21T03:00:00.001Z", since: "2026-11-21T02:00:00.000Z" },
  ])("that it began at $ahead is believed up to an hour ahead of the clock", ({ ahead, since }) => {
    const status = { schedules: policy.status!.schedules!.map((one) => ({ ...one, since: ahead })) };
    expect(known(decide({ ...policy, status }, at("02:00")))).toMatchObject({ since });
  });
  test.each([
    { time: "20261121T033000Z", needed: false },
    { time: "20261121T033001Z", needed: true },
  ])("so is a generation of $time: needed $needed", ({ time, needed }) => {
    const of = ended("x", "Full").status!;
    const run = aRun("b")
      .status({ ...of, generation: { id: `000007-${time}-full` } })
      .build();
    expect(startedBy(decide(policy, at("02:30"), [run])) !== undefined).toBe(needed);
  });
});

test("of slots that were missed together, the older one of a type goes first", () => {
  const policy = policyWith(
    schedule("second", "30 2 * * *", { type: "Database" }),
    schedule("first", "0 2 * * *", { type: "Database" }),
  );
  expect(startedBy(decide(policy, at("03:00")))).toBe("first");
});
