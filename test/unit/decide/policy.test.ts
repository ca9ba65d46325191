/** Which slot starts which run, and which does not: by the clock, by what is on record, by what runs. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy, BackupRun, PolicyStatus, RestoreRequest } from "../../../operator/api/kinds.ts";
import type { Decision } from "../../../operator/decide/decision.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { aPolicy, aRestore, aRun, at, schedule } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

interface Story {
  readonly runs?: readonly BackupRun[];
  readonly restores?: readonly RestoreRequest[];
  readonly taken?: readonly string[];
}
function decide(
  policy: BackupPolicy,
  now: number,
  { runs = [], restores = [], taken = [] }: Story = {},
): Decision<PolicyStatus> {
  const decision = decidePolicy({ policy, runs, restores, takenNames: new Set(taken) }, now);
  expect(findBrokenRule(decision.status)).toBeUndefined();
  return decision;
}
/** Names of the runs that are started. */
const started = (decision: Decision<PolicyStatus>): readonly string[] =>
  decision.actions.flatMap((action) => (action.do === "createRun" ? [action.name] : []));
const skipped = (decision: Decision<PolicyStatus>, name = "nightly"): string | undefined =>
  decision.status.schedules?.find((one) => one.name === name)?.skipped;

const nightly = schedule("nightly", "0 2 * * *");
const hourly = schedule("hourly", "0 * * * *", { type: "Database" });
/** A policy that was seen for the first time at midnight. */
const seenAt = (now: number, ...schedules: readonly ReturnType<typeof schedule>[]): BackupPolicy => {
  const policy = aPolicy().schedules(...(schedules.length === 0 ? [nightly] : schedules));
  return policy.status(decide(policy.build(), now).status).build();
};
/** Made anew by each test, so that nothing is decided while the file is loaded. */
const seen = (): BackupPolicy => seenAt(at("00:00"));
const next = (before: BackupPolicy, decision: Decision<PolicyStatus>): BackupPolicy => ({
  ...before,
  status: decision.status,
});

describe("a slot", () => {
  test("starts its run when it comes, once", () => {
    expect(started(decide(seen(), at("01:59:59")))).toEqual([]);
    const due = decide(seen(), at("02:00"));
    expect(due.actions).toMatchObject([
      {
        do: "createRun",
        name: "shop-nightly-20261121-0200",
        spec: {
          policyName: "shop",
          type: "Full",
          scheduleName: "nightly",
          scheduledFor: "2026-11-21T02:00:00.000Z",
          sinks: [],
        },
        labels: { "backup.handover.dev/policy": "shop" },
      },
    ]);
    const run = aRun("shop-nightly-20261121-0200").slot("nightly", "2026-11-21T02:00:00.000Z").build();
    const after = decide(next(seen(), due), at("02:00:01"), { runs: [run] });
    expect(started(after)).toEqual([]);
    expect(after.status.schedules).toMatchObject([{ lastSlot: "2026-11-21T02:00:00.000Z", skipped: "" }]);
  });
  test("starts its run again when the process died before it was created", () => {
    const due = decide(seen(), at("02:00"));
    expect(started(decide(next(seen(), due), at("02:00:05")))).toEqual(["shop-nightly-20261121-0200"]);
  });
  test("is not started again after its run was deleted", () => {
    const run = aRun().slot("nightly", "2026-11-21T02:00:00.000Z").finished("Failed").build();
    const after = decide(seen(), at("02:30"), { runs: [run] });
    expect(started(decide(next(seen(), after), at("02:31")))).toEqual([]);
  });
  test("that was missed is caught up, and of several only the newest", () => {
    expect(started(decide(seen(), at("07:59")))).toEqual(["shop-nightly-20261121-0200"]);
    expect(started(decide(seenAt(at("00:30"), hourly), at("05:40")))).toEqual(["shop-hourly-20261121-0500"]);
  });
  test("that was missed by more than its deadline is passed by, with a word", () => {
    const late = decide(seen(), at("08:00:01"));
    expect(started(late)).toEqual([]);
    expect(skipped(late)).toBe("missed by more than startingDeadline");
    expect(started(decide(next(seen(), late), at("02:00", "2026-11-22")))).toEqual(["shop-nightly-20261122-0200"]);
  });
  test("is in its time zone", () => {
    const berlin = seenAt(at("00:00"), schedule("nightly", "0 2 * * *", { timeZone: "Europe/Berlin" }));
    expect(started(decide(berlin, at("00:59:59")))).toEqual([]);
    expect(started(decide(berlin, at("01:00")))).toEqual(["shop-nightly-20261121-0100"]);
  });
  test.each([
    { name: "that a clock change skips runs once", day: "2026-03-29", runs: ["shop-nightly-20260329-0100"] },
    { name: "that a clock change doubles runs once", day: "2026-10-25", runs: ["shop-nightly-20261025-0030"] },
  ])("$name", ({ day, runs }) => {
    let berlin = seenAt(at("00:00", day) - 3_600_000, schedule("nightly", "30 2 * * *", { timeZone: "Europe/Berlin" }));
    const made: BackupRun[] = [];
    for (let now = at("00:00", day); now < at("00:00", day) + 23 * 3_600_000; now += 600_000) {
      const decision = decide(berlin, now, { runs: made });
      for (const action of decision.actions)
        if (action.do === "createRun")
          made.push(
            aRun(action.name)
              .slot("nightly", (action.spec as { scheduledFor: string }).scheduledFor)
              .finished("Complete", "000001-20261121T010203Z-full")
              .build(),
          );
      berlin = next(berlin, decision);
    }
    expect(made.map(({ metadata }) => metadata.name)).toEqual(runs);
  });
  test("is not started twice when the clock runs backwards", () => {
    const run = aRun()
      .slot("nightly", "2026-11-21T02:00:00.000Z")
      .finished("Complete", "000001-20261121T010203Z-full")
      .build();
    const after = decide(seen(), at("02:10"), { runs: [run] });
    for (const clock of ["01:00", "01:59:59", "02:00", "02:05"])
      expect(started(decide(next(seen(), after), at(clock), { runs: [run] }))).toEqual([]);
    expect(started(decide(next(seen(), after), at("02:00", "2026-11-22"), { runs: [run] }))).toEqual([
      "shop-nightly-20261122-0200",
    ]);
  });
});

describe("a clock that ran ahead", () => {
  test("does not silence the schedule once it is right again", () => {
    const policy = seen();
    const ahead = decide(policy, at("02:00", "2031-01-01"));
    const made = started(ahead).map((name) => aRun(name).slot("nightly", "2031-01-01T02:00:00.000Z"));
    const done = made.map((run) => run.finished("Complete", "000001-20310101T020003Z-full").build());
    const later = decide(next(policy, ahead), at("02:01", "2031-01-01"), { runs: done });

    expect(later.status.schedules).toMatchObject([{ lastSlot: "2031-01-01T02:00:00.000Z" }]);
    const right = decide(next(seen(), later), at("01:00"), { runs: done });
    expect(started(right)).toEqual([]);
    expect(right.status.nextRun?.time).toBe("2026-11-21T02:00:00.000Z");
    expect(started(decide(next(seen(), right), at("02:00"), { runs: done }))).toEqual(["shop-nightly-20261121-0200"]);
  });
});

describe("a schedule that is new or was changed does not catch up the past", () => {
  test("new", () => {
    expect(started(decide(aPolicy().schedules(nightly).build(), at("02:30")))).toEqual([]);
    expect(started(decide(aPolicy().schedules(nightly).build(), at("02:00")))).toEqual([]);
  });
  test.each([
    { name: "another time", change: schedule("nightly", "30 1 * * *") },
    { name: "another time zone", change: schedule("nightly", "0 2 * * *", { timeZone: "Asia/Kathmandu" }) },
  ])("$name", ({ change }) => {
    const before = next(seen(), decide(seen(), at("01:00")));
    const edited: BackupPolicy = { ...before, spec: { ...before.spec, schedules: [change] } };
    const first = decide(edited, at("05:00"));
    expect(started(first)).toEqual([]);
    expect(started(decide(next(edited, first), at("06:00")))).toEqual([]);
  });
  test("another type or another deadline is no other time", () => {
    const edited: BackupPolicy = {
      ...seen(),
      spec: aPolicy()
        .schedules({ ...nightly, type: "Database" })
        .build().spec,
    };
    expect(started(decide(edited, at("02:30")))).toEqual(["shop-nightly-20261121-0200"]);
  });
});

describe("one run at a time", () => {
  const active = aRun("by-hand").build();
  test("a slot waits for the run that is active, and starts when it is over", () => {
    const waits = decide(seen(), at("02:00"), { runs: [active] });
    expect(started(waits)).toEqual([]);
    expect(skipped(waits)).toBe("waits for run by-hand");
    expect(waits.status.conditions?.find(({ type }) => type === "Scheduled")?.message).toBe("waits for run by-hand");
    const over = aRun("by-hand").finished("Failed").build();
    expect(started(decide(next(seen(), waits), at("03:00"), { runs: [over] }))).toEqual(["shop-nightly-20261121-0200"]);
  });
  test("a slot waits for a restore that is active, and starts when it is over", () => {
    const waits = decide(seen(), at("02:00"), { restores: [aRestore("back").accepted().build()] });
    expect(started(waits)).toEqual([]);
    expect(skipped(waits)).toBe("waits for restore back");
    const over = { restores: [aRestore("back").finished().build()] };
    expect(started(decide(next(seen(), waits), at("03:00"), over))).toEqual(["shop-nightly-20261121-0200"]);
  });
  test("a plan that waits for a person holds nothing up", () => {
    const plan = { restores: [aRestore("plan").planOnly().accepted().build()] };
    expect(started(decide(seen(), at("02:00"), plan))).toEqual(["shop-nightly-20261121-0200"]);
  });
  test("a slot that has waited beyond its deadline is passed by", () => {
    const waits = decide(seen(), at("02:00"), { runs: [active] });
    expect(
      started(decide(next(seen(), waits), at("09:00"), { runs: [aRun("by-hand").finished("Failed").build()] })),
    ).toEqual([]);
  });
  test("of two slots of one minute the first starts, and the other follows", () => {
    const both = seenAt(at("00:30"), nightly, schedule("other", "0 2 * * *", { type: "Database" }));
    const due = decide(both, at("02:00"));
    expect(started(due)).toEqual(["shop-nightly-20261121-0200"]);
    const run = aRun("shop-nightly-20261121-0200").slot("nightly", "2026-11-21T02:00:00.000Z");
    const waits = decide(next(both, due), at("02:01"), { runs: [run.build()] });
    expect(started(waits)).toEqual([]);
    const over = run.finished("Complete", "000001-20261121T020000Z-full").build();
    expect(started(decide(next(both, waits), at("02:30"), { runs: [over] }))).toEqual(["shop-other-20261121-0200"]);
  });
  test.each([
    { name: "of another policy", story: { taken: ["shop-nightly-20261121-0200"] } },
    {
      name: "that a person has made",
      story: { runs: [aRun("shop-nightly-20261121-0200").finished("Failed").build()] },
    },
  ])("a name that is taken by a run $name skips the slot, and says so", ({ story }) => {
    const decision = decide(seen(), at("02:00"), story);
    expect(started(decision)).toEqual([]);
    expect(skipped(decision)).toContain("shop-nightly-20261121-0200 is taken");
  });
});

describe("suspended", () => {
  const asleep = (): BackupPolicy => ({ ...seen(), spec: { ...seen().spec, suspend: true } });
  test("nothing starts, and nothing is announced", () => {
    const decision = decide(asleep(), at("02:00"));
    expect(started(decision)).toEqual([]);
    expect(skipped(decision)).toBe("the policy is suspended");
    expect(decision.status).toMatchObject({ state: "Suspended", display: { next: "-" } });
    expect(decision.status.nextRun).toBeUndefined();
  });
  test("a slot is passed by when it comes, so that nothing is caught up afterwards", () => {
    const suspended = asleep();
    // The policy wakes for it although nothing will start.
    const before = decide(suspended, at("01:00"));
    const woken = at("01:00") + (before.wakeAfter ?? Infinity);
    expect(woken).toBe(at("02:00"));
    const passed = decide(next(suspended, before), woken);
    expect(started(decide({ ...next(suspended, passed), spec: seen().spec }, at("03:00")))).toEqual([]);
  });
});

describe("the next slot", () => {
  test("is the nearest of all schedules, with its name, in UTC", () => {
    const both = seenAt(at("00:30"), nightly, hourly);
    const { status, wakeAfter } = decide(both, at("00:40"));
    expect(status.nextRun).toEqual({ schedule: "hourly", time: "2026-11-21T01:00:00.000Z" });
    expect(status.display?.next).toBe("2026-11-21 01:00Z hourly");
    expect(wakeAfter).toBe(20 * 60_000);
  });
  test("is looked at every six hours, because timers are not exact", () => {
    expect(decide(seenAt(at("00:00"), schedule("yearly", "0 4 1 1 *")), at("00:00")).wakeAfter).toBe(6 * 3_600_000);
  });
  test("does not exist without schedules", () => {
    const decision = decide(aPolicy().build(), at("00:00"));
    expect(decision.status.conditions?.find(({ type }) => type === "Scheduled")).toMatchObject({
      status: "False",
      reason: "NoSchedules",
    });
    expect(decision.wakeAfter).toBeUndefined();
  });
});

describe("a schedule that cannot work", () => {
  test.each([
    {
      name: "an unknown time zone",
      broken: schedule("odd", "0 2 * * *", { timeZone: "Europe/Atlantis" }),
      code: "HO-P110",
      reason: "UnknownTimeZone",
    },
    {
      name: "a day that never comes",
      broken: schedule("odd", "0 2 30 2 *"),
      code: "HO-P111",
      reason: "ScheduleNeverFires",
    },
  ])("$name is told of, and the others go on", ({ broken, code, reason }) => {
    const both = seenAt(at("00:00"), broken, nightly);
    const decision = decide(both, at("02:00"));
    expect(started(decision)).toEqual(["shop-nightly-20261121-0200"]);
    const condition = (type: string): unknown => decision.status.conditions?.find((one) => one.type === type);
    expect(condition("Ready")).toMatchObject({ status: "False", reason });
    expect(condition("Stalled")).toMatchObject({ status: "True", reason, message: expect.stringContaining(code) });
  });
});
