/** One look at an adoption: when it begins, what is made of the page on record, when the next page is asked for, and how it ends. */
import { describe, expect, test } from "@jest/globals";
import type { AdoptionRecord, BackupRun, Job } from "../../../operator/api/kinds.ts";
import { annotations, labels } from "../../../operator/api/names.ts";
import { type AdoptionMove, decideAdoption, isAdopting } from "../../../operator/decide/adoption.ts";
import { aJob, aPod, aRun, at, settings } from "../../support/builders.ts";
import { entry, idOf, job, listed, listing, page, policyWith } from "./adoption-listings.ts";

interface Story {
  readonly runs?: readonly BackupRun[];
  readonly jobs?: readonly Job[];
  readonly pods?: readonly ReturnType<ReturnType<typeof aPod>["build"]>[];
  readonly taken?: readonly string[];
}
const look = (
  adoption: AdoptionRecord | undefined,
  request = "vault",
  { runs = [], jobs = [], pods = [], taken = [] }: Story = {},
): AdoptionMove =>
  decideAdoption(
    {
      policy: policyWith(adoption, request),
      runs,
      takenNames: new Set(taken),
      adoption: { jobs: new Map(jobs.map((one) => [one.metadata.name, one])), pods, settings },
    },
    at("02:00"),
  );
const acts = ({ actions }: AdoptionMove): readonly string[] =>
  actions.map((action) => ("name" in action ? `${action.do} ${action.name}` : action.do));
const now = "2026-11-21T02:00:00.000Z";
const made = (number: number, serial = 1): ReturnType<typeof aRun> =>
  aRun(`shop-00000${number}`).annotated(annotations.adopted, `vault/${idOf(number)}/${serial}`);
const finished = (number: number, serial = 1): BackupRun =>
  made(number, serial).finished("Complete", idOf(number)).build();
const theJob = aJob(job).build();

describe("an adoption begins", () => {
  test("with a Job that lists from the start, and its attempt on record", () => {
    const move = look(undefined, "vault");
    expect(move.adoption).toEqual({
      request: "vault",
      location: "vault",
      state: "Listing",
      serial: 1,
      after: "",
      adopted: 0,
      message: "what lies at vault is listed",
      step: expect.objectContaining({ name: "Catalogue/vault/1", state: "Running", attempt: 1, job }),
    });
    expect(move.actions).toEqual([expect.objectContaining({ do: "createJob", ownerUID: "shop-policy-uid" })]);
    expect(move.events).toEqual([]);
  });
  test("of the source as of a sink, whatever word is behind it", () => {
    for (const request of ["source", "source  once\tmore"])
      expect(look(undefined, request).adoption).toMatchObject({ location: "source", request, state: "Listing" });
  });
  test("anew when it is asked again, with a number of its own", () => {
    const before = listing({ state: "Done", serial: 4, adopted: 9, after: idOf(3), found: 9 });
    expect(look(before, "vault again").adoption).toMatchObject({
      request: "vault again",
      state: "Listing",
      serial: 5,
      adopted: 0,
      after: "",
      step: { name: "Catalogue/vault/5" },
    });
  });
  test("not at a location that the policy does not have, which is told with those it has", () => {
    const move = look(undefined, `valut${"x".repeat(100)}`);
    expect(move.adoption).toMatchObject({
      state: "Failed",
      code: "HO-K705",
      finishedAt: now,
      message: `the policy has no location valut${"x".repeat(35)}; it has source, vault, offsite`,
    });
    expect(move.adoption?.step).toBeUndefined();
    expect(move.actions).toEqual([]);
  });
  test("also of a policy that has no status yet", () => {
    const { status: _status, ...policy } = policyWith(undefined, "vault");
    expect(isAdopting(policy)).toBe(true);
    const world = { jobs: new Map(), pods: [], settings };
    const seen = { policy, runs: [], takenNames: new Set<string>(), adoption: world };
    const { adoption, actions } = decideAdoption(seen, at("02:00"));
    expect(adoption).toMatchObject({ state: "Listing", serial: 1 });
    expect(actions).toHaveLength(1);
  });
  test("with no more of what was typed than a status has room for", () => {
    expect(look(undefined, `vault ${"x".repeat(300)}`).adoption?.request).toHaveLength(250);
  });
  test("not without being asked, and not before Jobs were looked at", () => {
    expect(look(undefined, "")).toEqual({ actions: [], events: [] });
    const done = listing({ state: "Done" });
    expect(look(done)).toEqual({ adoption: done, actions: [], events: [] });
    const seen = { policy: policyWith(undefined, "vault"), runs: [], takenNames: new Set<string>() };
    expect(decideAdoption(seen, at("02:00"))).toEqual({ actions: [], events: [] });
    expect(decideAdoption({ ...seen, policy: policyWith(done, "vault") }, at("02:00")).adoption).toEqual(done);
  });
});

describe("while its Job lists", () => {
  const running = { name: "Catalogue/vault/1", state: "Running" as const, attempt: 1, job, startedAt: now };
  const ended = (exitCode: number, message: string) =>
    aPod("pod").ofJob(job, "shop-policy-uid").ended({ name: "catalogue", exitCode, message }).build();

  test("nothing is made of anything", () => {
    const move = look(listing({ step: running }), "vault", {
      jobs: [theJob],
      pods: [aPod("p").ofJob(job, "u").build()],
    });
    expect(move).toMatchObject({ adoption: { step: running }, actions: [], events: [] });
    expect(move.wakeAfter).toBeGreaterThan(0);
  });
  test("its page goes on record before anything is made of it", () => {
    const pods = [ended(0, JSON.stringify(page([entry(1)])))];
    const move = look(listing({ step: running }), "vault", { jobs: [theJob], pods });
    expect(move).toMatchObject({
      adoption: { state: "Listing", step: { state: "Done", result: { of: [page([entry(1)])] } } },
      actions: [],
      wakeAfter: 0,
    });
  });
  const fails = (attempt: number, retry: boolean): AdoptionMove => {
    const failure = { version: 1, ok: false, step: "catalogue", code: "HO-T501", message: "no route", retry };
    const story = { jobs: [aJob(job).condition("Failed").build()], pods: [ended(1, JSON.stringify(failure))] };
    return look(listing({ step: { ...running, attempt } }), "vault", story);
  };
  test("an attempt that fails and may pass is followed by another, three in all", () => {
    for (const attempt of [1, 2])
      expect(fails(attempt, true)).toMatchObject({
        adoption: { state: "Listing", step: { state: "Waiting" } },
        events: [],
      });
  });
  test.each([
    { attempt: 3, retry: true },
    { attempt: 1, retry: false },
  ])("attempt $attempt that fails, and may pass: $retry, is its end", ({ attempt, retry }) => {
    const move = fails(attempt, retry);
    expect(move.adoption).toMatchObject({ state: "Failed", code: "HO-T501", message: "no route", finishedAt: now });
    expect(move.events).toEqual([{ type: "Warning", reason: "AdoptionFailed", message: "HO-T501 no route" }]);
  });
  test("it is not asked for any more: it ends, and its Job goes", () => {
    for (const request of ["", "source"]) {
      const move = look(listing({ step: running }), request, { jobs: [theJob] });
      expect(move.adoption).toMatchObject({ state: "Failed", code: "HO-X003", finishedAt: now, request: "vault" });
      expect(acts(move)).toEqual([`deleteJob ${job}`]);
      expect(move.events).toMatchObject([{ reason: "AdoptionFailed" }]);
    }
    const going = look(listing({ step: running }), "", { jobs: [aJob(job).deleting().build()] });
    expect(going.actions).toEqual([]);
    expect(look(listing(), "").actions).toEqual([]);
  });
});

describe("of the page on record", () => {
  const two = listing({ step: listed(page([entry(1), entry(2, { type: "Database" })])) });

  test("each generation gets a run, and the Job that listed goes", () => {
    const move = look(two, "vault", { jobs: [theJob] });
    expect(acts(move)).toEqual([`deleteJob ${job}`, "createRun shop-000001", "createRun shop-000002"]);
    expect(move.actions[2]).toEqual({
      do: "createRun",
      name: "shop-000002",
      labels: { [labels.policy]: "shop" },
      annotations: { [annotations.adopted]: `vault/${idOf(2)}/1` },
      spec: { policyName: "shop", type: "Database", sinks: [] },
    });
    expect(move).toMatchObject({ adoption: two, events: [], wakeAfter: 5_000 });
  });
  test("one that is held is held by its run", () => {
    const hold = { until: "2027-01-01T00:00:00.000Z", reason: "audit 2026" };
    const { actions } = look(listing({ step: listed(page([entry(1, { hold })])) }));
    expect(actions).toMatchObject([{ annotations: { [annotations.hold]: "2027-01-01T00:00:00.000Z audit 2026" } }]);
  });
  test.each<[string, readonly BackupRun[], readonly string[]]>([
    ["one that has a run gets none", [aRun("mine").finished("Complete", idOf(1)).build()], ["createRun shop-000002"]],
    ["one whose run was only made is waited for", [made(1).build()], ["createRun shop-000002"]],
    ["that of another generation is none", [aRun("x").finished("Complete", idOf(9)).build()], two2()],
    [
      "that of another location is none",
      [
        aRun("x")
          .annotated(annotations.adopted, `offsite/${idOf(1)}`)
          .build(),
      ],
      two2(),
    ],
    [
      "one whose run has failed gets another, under another name",
      [made(1).finished("Failed").build()],
      ["createRun shop-000001-1", "createRun shop-000002"],
    ],
  ])("%s", (_name, runs, expected) => {
    const move = look(two, "vault", { runs });
    expect(acts(move)).toEqual(expected);
    expect(move.adoption?.state).toBe("Listing");
  });
  function two2(): readonly string[] {
    return ["createRun shop-000001", "createRun shop-000002"];
  }
  test("as long as a run that was made has no status, the next page waits", () => {
    const move = look(two, "vault", { runs: [made(1).build(), finished(2)] });
    expect(move).toMatchObject({ actions: [], wakeAfter: 5_000, adoption: { state: "Listing" } });
  });

  test.each<[string, Story, string]>([
    ["free", {}, "shop-000001"],
    ["another run's", { runs: [aRun("shop-000001").build()] }, "shop-000001-7"],
    ["a run's of another policy", { taken: ["shop-000001"] }, "shop-000001-7"],
  ])("the name of a run is %s", (_name, story, name) => {
    expect(acts(look(listing({ serial: 7, step: listed(page([entry(1)])) }), "vault", story))).toEqual([
      `createRun ${name}`,
    ]);
  });
  test("two generations of one number get two names", () => {
    const twice = page([entry(1), entry(1, { id: "000001-20261102T020000Z-full" })]);
    expect(acts(look(listing({ step: listed(twice) })))).toEqual(["createRun shop-000001", "createRun shop-000001-1"]);
  });
  test("a name that cannot be had ends it, and nothing of the page is made", () => {
    const move = look(two, "vault", { taken: ["shop-000002", "shop-000002-1"], jobs: [theJob] });
    expect(move.adoption).toMatchObject({ state: "Failed", code: "HO-K705" });
    expect(move.adoption?.message).toContain(idOf(2));
    expect(acts(move)).toEqual([`deleteJob ${job}`]);
  });
  test("nothing that can be read: it has failed", () => {
    const move = look(listing({ step: { ...listed(page([])), result: { of: [] } } }));
    expect(move).toMatchObject({ adoption: { state: "Failed", code: "HO-X001" }, actions: [] });
  });

  test("when all have runs, the next page is asked for, behind the last of this one", () => {
    const first = listing({
      serial: 3,
      adopted: 4,
      step: listed(page([entry(1), entry(2), entry(3)], { more: true, total: 9, broken: 1 })),
    });
    const runs = [finished(1, 3), aRun("mine").finished("Complete", idOf(2)).build(), finished(3, 3)];
    const move = look(first, "vault", { runs, jobs: [theJob] });
    expect(move.adoption).toEqual({
      ...first,
      found: 9,
      broken: 1,
      // Of the three, one was there before.
      adopted: 6,
      serial: 4,
      after: idOf(3),
      step: { name: "Catalogue/vault/4", state: "Pending" },
    });
    expect(move).toMatchObject({ wakeAfter: 0, events: [] });
    expect(acts(move)).toEqual([`deleteJob ${job}`]);
  });
  test.each<[number, number, string]>([
    [0, 2, "1 run made of 2 generations at vault, 1 had one before"],
    [1, 2, "1 run made of 2 generations at vault, 1 had one before; 1 directory there cannot be read as a generation"],
    [2, 1, "1 run made of 1 generation at vault; 2 directories there cannot be read as a generation"],
  ])("when there are no more, it is done: %s broken of %s", (broken, total, message) => {
    const last = listing({ code: "", step: listed(page([entry(1)], { broken, total })) });
    const move = look(last, "vault", { runs: [finished(1)] });
    expect(move.adoption).toMatchObject({ state: "Done", finishedAt: now, message, adopted: 1, found: total, broken });
    expect(move.adoption).not.toHaveProperty("code");
    expect(move.events).toEqual([{ type: "Normal", reason: "Adopted", message }]);
  });
  test("a place that has nothing is done at once, and goes on from where it was", () => {
    const move = look(listing({ after: idOf(4), adopted: 4, step: listed(page([], { total: 4 })) }));
    expect(move.adoption).toMatchObject({ state: "Done", adopted: 4, after: idOf(4) });
  });
});

describe("once it is over", () => {
  const over = (state: "Done" | "Failed", stepState: "Done" | "Failed" | "Running" = "Done"): AdoptionRecord =>
    listing({ state, step: listed(page([entry(1)]), { state: stepState }) });
  test.each<[string, AdoptionRecord, readonly Job[], boolean, readonly string[]]>([
    ["its page is forgotten", over("Done"), [], false, []],
    ["but not as long as its Job is there", over("Done"), [theJob], true, [`deleteJob ${job}`]],
    ["which is told to go once", over("Done"), [aJob(job).deleting().build()], true, []],
    ["also when it was ended while it listed", over("Failed", "Running"), [theJob], true, [`deleteJob ${job}`]],
    ["a Job that has failed stays, for its log", over("Failed", "Failed"), [theJob], false, []],
    ["another Job is none of it", over("Done"), [aJob("other").build()], false, []],
  ])("%s", (_name, adoption, jobs, has, expected) => {
    const move = look(adoption, "vault", { jobs });
    expect(move.adoption?.step !== undefined).toBe(has);
    expect(move.adoption).toMatchObject({ state: adoption.state, request: "vault" });
    expect(acts(move)).toEqual(expected);
    expect(move.events).toEqual([]);
  });
});
