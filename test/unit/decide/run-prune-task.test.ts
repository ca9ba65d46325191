/** What a prune is told: rules and time of its place, what is held, whose runs there are, what is acknowledged and to be taken back. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, PolicySpec } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import {
  type PruneKnowledge,
  acknowledgedIn,
  holdsIn,
  keepOf,
  tellPrune,
  tellTrash,
  tellUnreadable,
  trashMillisOf,
} from "../../../operator/decide/prune-task.ts";
import type { StepMove } from "../../../operator/decide/step.ts";
import { aPod, aPolicy, aRun } from "../../support/builders.ts";

const { spec } = aPolicy().build();
const policyUID = "shop-policy-uid";
const digest = "0123456789abcdef".repeat(4);
const idOf = (seq: number): string => `${String(seq).padStart(6, "0")}-20261103T010000Z-full`;
const made = (seq: number, hold?: string, uid = policyUID, id = idOf(seq)): BackupRun => {
  const run = aRun(`run-${seq}`);
  return (hold === undefined ? run : run.annotated(annotations.hold, hold))
    .status({ policyUID: uid, generation: { id } })
    .build();
};
const knowledge = (change: Partial<PruneKnowledge> = {}): PruneKnowledge => ({
  run: aRun().status({ policyUID }).build(),
  siblings: [],
  policy: spec,
  policyUID,
  acknowledgements: {},
  approved: undefined,
  ...change,
});
const withRetention = (change: Partial<PolicySpec["retention"]>): PolicySpec => ({
  ...spec,
  retention: { ...spec.retention, ...change },
});
/** As one that a release before trash and time zones has accepted. */
const old = (): PolicySpec => {
  const { trash: _trash, timeZone: _timeZone, ...retention } = spec.retention;
  return { ...spec, retention: retention as PolicySpec["retention"] };
};

describe("of the policy", () => {
  test.each<[string, PolicySpec, string, number]>([
    ["as it says", withRetention({ timeZone: "Europe/Berlin", trash: "36h" }), "Europe/Berlin", 129_600_000],
    ["without any trash", withRetention({ trash: "0s" }), "UTC", 0],
    ["with a time that nobody understands", withRetention({ trash: "soon" }), "UTC", 0],
    ["of an older release", old(), "UTC", 86_400_000],
  ])("%s", (_name, policy, timeZone, trashMillis) => {
    expect(tellPrune(knowledge({ policy }))).toMatchObject({ timeZone, trashMillis });
    expect(trashMillisOf(policy)).toBe(trashMillis);
  });
  test("the rules that are there, and no others", () => {
    expect(keepOf({ last: 2, minVerified: 1 })).toStrictEqual({ last: 2, minVerified: 1 });
    const all = { last: 7, hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 3, maxAge: "400d", minVerified: 2 };
    expect(keepOf(all)).toStrictEqual(all);
  });
});

describe("of runs", () => {
  test("whose generations there are: its own and those of the same policy object", () => {
    const told = tellPrune(
      knowledge({
        run: made(1),
        siblings: [
          made(3),
          made(4),
          made(7, undefined, "another uid"),
          aRun("failed").status({ policyUID }).build(),
          aRun("new").build(),
          made(9, undefined, policyUID, "no-id"),
        ],
      }),
    );
    expect(told.known).toEqual({ since: 1, ranges: "1,3-4" });
    expect(told.holds).toEqual([]);
  });
  test("which of them are held, until when and why; and which holds nobody understands", () => {
    const runs = {
      run: made(1, "2026-12-24T00:00:00Z audit"),
      siblings: [made(3, "forever"), made(5, "until easter"), made(7, "forever x", "another uid")],
    };
    const holds = [
      { id: idOf(1), until: "2026-12-24T00:00:00.000Z", reason: "audit" },
      { id: idOf(3), until: "forever", reason: "no reason given" },
      { id: idOf(5), until: "forever", reason: "unreadable hold: until easter" },
    ];
    expect(holdsIn(knowledge(runs))).toEqual({ holds, unreadable: ["run-5"] });
    expect(tellPrune(knowledge(runs)).holds).toEqual(holds);
  });
  const held = (count: number, reason = "audit"): readonly BackupRun[] =>
    Array.from({ length: count }, (_, index) => made(index + 1, `forever ${reason}`));
  test("of more holds than there is room for, the rest are left to the files at the place, and nothing is approved", () => {
    const full = tellPrune(knowledge({ siblings: held(500), approved: digest }));
    expect([full.holds.length, full.approved, full.known.ranges]).toEqual([500, digest, "1-500"]);
    const more = tellPrune(knowledge({ siblings: [...held(502), made(503)], approved: digest }));
    expect([more.holds.length, more.approved, more.known.ranges]).toEqual([500, undefined, "1-500,503"]);
    expect(more).not.toHaveProperty("approved");
  });
  test("of many holds, reasons are cut to the room for all of them", () => {
    const long = "x".repeat(200);
    const lengths = (count: number): ReadonlySet<number> =>
      new Set(tellPrune(knowledge({ siblings: held(count, long) })).holds.map(({ reason }) => reason.length));
    expect([...lengths(200)]).toEqual([200]);
    expect([...lengths(400)]).toEqual([100]);
  });
  test("of numbers with too many gaps, the lowest are left out", () => {
    const siblings = Array.from({ length: 6_000 }, (_, index) => made(2 * index + 1));
    const { since, ranges } = tellPrune(knowledge({ siblings })).known;
    expect(since).toBeGreaterThan(1);
    expect(ranges.length).toBeLessThanOrEqual(20_000);
    expect(ranges.length).toBeGreaterThan(19_900);
    expect(ranges).toMatch(/,11999$/);
  });
});

describe("of people", () => {
  test.each<[string, readonly string[]]>([
    ["0123456789ab", ["0123456789ab"]],
    ["0123456789ab, true,XYZ,0123456789abcdef ", ["0123456789ab", "0123456789abcdef"]],
    [digest, [digest]],
    [`${digest}0`, []],
    ["0123456789a", []],
    ["x0123456789ab", []],
    ["0123456789AB", []],
    ["true", []],
    ["", []],
  ])("%j acknowledges %j", (text, expected) => {
    expect(acknowledgedIn({ [annotations.acknowledgePrune]: text })).toEqual(expected);
  });
  test("at most twenty plans are acknowledged; without the annotation none is", () => {
    const many = Array.from({ length: 21 }, (_, index) => String(index).padStart(12, "0"));
    const acknowledgements = { [annotations.acknowledgePrune]: many.join(",") };
    expect(tellPrune(knowledge({ acknowledgements })).acknowledged).toEqual(many.slice(0, 20));
    expect(acknowledgedIn({})).toEqual([]);
  });
  test("what is taken back", () => {
    const told = (text: string) => tellPrune(knowledge({ acknowledgements: { [annotations.undelete]: text } }));
    expect(told("000012,000013").undelete).toBe("000012,000013");
    expect(told("1".repeat(5_000)).undelete).toHaveLength(4_000);
    for (const nothing of [told("  "), tellPrune(knowledge())]) expect(nothing).not.toHaveProperty("undelete");
  });
});

test("the plan on record may be acted upon; without one there is nothing that may", () => {
  expect(tellPrune(knowledge({ approved: digest })).approved).toBe(digest);
  expect(tellPrune(knowledge())).not.toHaveProperty("approved");
});

test("what the preflight may delete is told in the same words, and nothing is approved by it", () => {
  const { approved: _approved, ...of } = knowledge({ siblings: [made(3, "forever audit"), made(4)] });
  expect(tellTrash(of)).toStrictEqual({
    millis: 86_400_000,
    holds: [{ id: idOf(3), until: "forever", reason: "audit" }],
    known: { since: 1, ranges: "3-4" },
  });
  expect(tellTrash({ ...of, acknowledgements: { [annotations.undelete]: "000012" } }).undelete).toBe("000012");
});

describe("a hold that nobody can understand", () => {
  const siblings = [made(3, "until easter"), made(4, "forever audit"), made(5, "x")];
  const move = (state: "Done" | "Waiting", is: "succeeded" | "absent"): StepMove => ({
    step: { name: "Prune/vault", state, message: "2 generations kept" },
    actions: [],
    job: is === "absent" ? { is } : { is, pod: aPod().build(), results: [] },
  });
  test("is named at the end of the step", () => {
    const told = tellUnreadable(move("Done", "succeeded"), knowledge({ siblings }));
    expect(told.step.message).toBe(
      "2 generations kept; the hold of run run-3 cannot be read, so it holds for ever; the hold of run run-5 cannot be read, so it holds for ever",
    );
    expect(told.step.state).toBe("Done");
  });
  test("in no more words than a message has room for", () => {
    const many = Array.from({ length: 40 }, (_, index) => made(index + 1, "x"));
    expect(tellUnreadable(move("Done", "succeeded"), knowledge({ siblings: many })).step.message).toHaveLength(900);
  });
  test.each<[string, StepMove, readonly BackupRun[]]>([
    ["before that", move("Waiting", "succeeded"), siblings],
    ["again later", move("Done", "absent"), siblings],
    ["when there is none", move("Done", "succeeded"), [made(4, "forever audit")]],
  ])("is not named %s", (_name, before, others) => {
    expect(tellUnreadable(before, knowledge({ siblings: others }))).toBe(before);
  });
});
