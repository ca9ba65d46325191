/** What a policy says of itself: its conditions in each of its states, its columns, and what it waits for. */
import { describe, expect, test } from "@jest/globals";
import type { PolicyStatus } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { aPolicy, aRun, at, schedule, settings } from "../../support/builders.ts";

const nightly = schedule("nightly", "0 2 * * *");
const complete = aRun("good").finished("Complete", "000001-20261120T010000Z-full").build();
const decide = (policy: ReturnType<typeof aPolicy>, runs = [complete]) =>
  decidePolicy({ policy: policy.build(), runs, restores: [], takenNames: new Set() }, at("12:00"));
const conditionsOf = ({ conditions = [] }: PolicyStatus): Readonly<Record<string, string>> =>
  Object.fromEntries(
    conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason} ${message}`.trim()]),
  );

describe("conditions", () => {
  const good = "generation 000001-20261120T010000Z-full is complete";
  test("of a policy in force", () => {
    expect(conditionsOf(decide(aPolicy().schedules(nightly)).status)).toMatchObject({
      Ready: "True Accepted the policy is in force",
      Stalled: "False Fine",
      Reconciling: "False Done",
      Suspended: "False Active",
      Protected: `True Protected ${good}`,
      Scheduled: "True Waiting next: 2026-11-22 02:00Z nightly",
    });
  });
  test("of one that is suspended", () => {
    const { status } = decide(aPolicy().schedules(nightly).spec({ suspend: true }));
    expect(conditionsOf(status)).toMatchObject({
      Ready: "True Accepted the policy is in force",
      Stalled: "False Fine",
      Suspended: "True Suspended scheduled runs do not start until suspend is false",
      Protected: "False Suspended no scheduled runs while suspend is true",
      Scheduled: "False Suspended nothing is going to run by itself",
    });
  });
  test("of one without schedules", () => {
    expect(conditionsOf(decide(aPolicy()).status)).toMatchObject({
      Scheduled: "False NoSchedules nothing is going to run by itself",
    });
  });
  test.each([
    {
      what: "time zone",
      broken: schedule("odd", "0 2 * * *", { timeZone: "Europe/Atlantis" }),
      reason: "UnknownTimeZone",
      message: "HO-P110 schedule odd: time zone Europe/Atlantis is unknown",
    },
    {
      what: "time",
      broken: schedule("odd", "0 2 30 2 *"),
      reason: "ScheduleNeverFires",
      message: 'HO-P111 schedule odd: cron "0 2 30 2 *" never comes true',
    },
  ])("of one whose only schedule has no $what that comes", ({ broken, reason, message }) => {
    const { status } = decide(aPolicy().schedules(broken));
    const told = conditionsOf(status);
    expect(told).toMatchObject({
      Ready: `False ${reason} ${message}`,
      Scheduled: `False ${reason} nothing is going to run by itself`,
    });
    expect(told["Stalled"]).toMatch(new RegExp(`^True ${reason} .* App: .+ Data: .+ Next: .*kubectl.*`));
    expect(status.display?.message).toBe(message);
  });
  test("of one with a good generation and a schedule that never starts: what there is grows old", () => {
    const broken = aPolicy().schedules(nightly, schedule("odd", "0 2 30 2 *"));
    expect(decide(broken).status.state).toBe("AtRisk");
    expect(conditionsOf(decide(broken).status)["Protected"]).toMatch(/^False AtRisk HO-P111/);
    expect(decide(broken.spec({ suspend: true })).status.state).toBe("Suspended");
    const { retention } = aPolicy().build().spec;
    const zone = aPolicy().spec({ retention: { ...retention, timeZone: "Mars/Olympus" } });
    expect(decide(zone).status.state).toBe("Protected");
  });
  test("a time zone of the retention that nobody knows is told of, and the schedules go on", () => {
    const { retention } = aPolicy().build().spec;
    const policy = aPolicy()
      .schedules(nightly)
      .spec({ retention: { ...retention, timeZone: "Mars/Olympus" } });
    expect(conditionsOf(decide(policy).status)).toMatchObject({
      Ready: expect.stringMatching(/^False UnknownTimeZone HO-P110 .*Mars\/Olympus/),
      Scheduled: "True Waiting next: 2026-11-22 02:00Z nightly",
    });
  });
  test("a slot that waits says for whom, and one that was passed by does not", () => {
    const policy = aPolicy().schedules(nightly);
    const seen = decidePolicy({ policy: policy.build(), runs: [], restores: [], takenNames: new Set() }, at("00:00"));
    const later = (runs: Parameters<typeof decide>[1]): string | undefined =>
      conditionsOf(decide(policy.status(seen.status), runs).status)["Scheduled"];
    expect(later([])).toBe("True Waiting next: 2026-11-22 02:00Z nightly");
    const noon = decidePolicy(
      {
        policy: policy.status(seen.status).build(),
        runs: [aRun("by-hand").build()],
        restores: [],
        takenNames: new Set(),
      },
      at("02:30"),
    );
    expect(conditionsOf(noon.status)["Scheduled"]).toBe("True Waiting waits for run by-hand");
  });
});

describe("a status", () => {
  test("has no place for what is not known", () => {
    const { status } = decide(aPolicy(), []);
    for (const field of ["lastComplete", "nextRun", "adoption"]) expect(Object.keys(status)).not.toContain(field);
    expect(status.display).toMatchObject({ generations: "", next: "-" });
  });
  test("has a column of so many letters", () => {
    const failed = aRun("bad").finished("Failed", undefined, {
      code: "HO-S207",
      display: { message: "x".repeat(300) },
    });
    expect(decide(aPolicy(), [failed.build()]).status.display?.message).toHaveLength(300);
  });
  test("remembers what was taken over, and goes on with it", () => {
    const policy = aPolicy().annotated(annotations.adopt, "moon").build();
    const adoption = { jobs: new Map(), pods: [], settings };
    const { status } = decidePolicy({ policy, runs: [], restores: [], takenNames: new Set(), adoption }, at("12:00"));
    expect(status.adoption).toMatchObject({ location: "moon", state: "Failed", code: "HO-K705" });
    const known = { ...policy, status };
    const again = decidePolicy({ policy: known, runs: [], restores: [], takenNames: new Set() }, at("13:00"));
    expect(again.status.adoption).toEqual(status.adoption);
  });
});

test("that a policy protects nothing yet is no news when it is new", () => {
  expect(decide(aPolicy(), []).events).toEqual([]);
  expect(decide(aPolicy().status({ state: "Unprotected" })).events).toEqual([
    {
      type: "Normal",
      reason: "Protected",
      message: "generation 000001-20261120T010000Z-full is complete",
    },
  ]);
});
