/** One pass over a run with its app down: who holds it, when the source is taken for released, and whose word counts. */
import { describe, expect, test } from "@jest/globals";
import type { Job, Lease, Pod, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import { app, down, holder, stopped, zero } from "../../support/app-states.ts";
import { aClaim, aJob, aPod, aRun, aWorkload, anApp } from "../../support/builders.ts";
import { type Steps, stepsOf } from "./recorded-steps.ts";
import { type Story, acts, pass, stateOf, stepOf } from "./run-passes.ts";

const base: Steps = { Accept: "Done", Preflight: "Done", Warm: "Done", Quiesce: "Done" };
const capture: Omit<StepRecord, "name"> = {
  state: "Running",
  attempt: 1,
  job: "job",
  startedAt: "2026-11-21T01:00:00Z",
};
const times = { stopAt: "2026-11-21T00:59:00Z", goneAt: "2026-11-21T00:59:30Z" };
const held: RunStatus = { workloads: stopped, times };
const own = { ...holder, name: "shop-1", uid: "shop-1-uid", deadline: "2026-11-21T23:00:00Z" };
const theJob = aJob("job").build();
const now = "2026-11-21T01:00:00.000Z";

describe("the stop", () => {
  const quiesces: Steps = { ...base, Quiesce: { state: "Running", startedAt: "2026-11-21T01:00:00Z" } };
  const before: RunStatus = { workloads: [{ kind: "Deployment", name: "shop", uid: "shop-uid", replicas: 3 }] };
  const up = anApp({ workloads: [aWorkload().replicas(3).build()] });
  test("is held in the name of the run", () => {
    const { actions } = pass(stepsOf(quiesces), { status: before, seen: up });
    const [record] = actions.flatMap((action) => (action.do === "createRecord" ? [action.record] : []));
    expect(parseRecord(record as Lease)).toMatchObject({
      original: 3,
      holders: [{ kind: "BackupRun", name: "shop-1", uid: "shop-1-uid" }],
    });
  });
  test.each(["shop-backups", "shop-uploads"])("is not for nothing: without the claim %s it does not begin", (lost) => {
    const claims = new Map(
      ["shop-backups", "shop-uploads"].filter((name) => name !== lost).map((name) => [name, aClaim(name)]),
    );
    const decision = pass(stepsOf(quiesces), { status: before, seen: { ...up, claims } });
    expect(acts(decision)).not.toContain("createRecord");
    expect(stepOf(decision, "Quiesce")).toMatchObject({ state: "Failed", code: "HO-P102" });
  });
  test("is over when nothing runs any more, also when somebody has taken the finalizer away", () => {
    for (const run of [aRun().holding(), aRun()]) {
      const decision = pass(stepsOf(quiesces), { run, status: held, seen: down({ holders: [own] }) });
      expect(stateOf(decision, "Quiesce")).toBe("Done");
      expect(decision.status.times?.goneAt).toBe(now);
    }
  });
});

describe("a capture under a hold that was there before", () => {
  const joined: Steps = { ...base, Quiesce: { state: "Done", startedAt: "2026-11-21T00:59:00Z" }, Capture: capture };
  const seen = down({ holders: [own] }, aPod("pod").ofJob("job", "shop-1-uid").build());
  const status = { ...held, times: { ...times, stopAt: "2026-11-21T00:50:00Z" } };
  test.each([
    { clock: "01:08:59", state: "Running" },
    { clock: "01:09:00", state: "Failed" },
  ])("has its own budget, from when it joined: at $clock it is $state", ({ clock, state }) => {
    const decision = pass(stepsOf(joined), { status, seen, jobs: [theJob], now: clock });
    expect(stateOf(decision, "Capture")).toBe(state);
  });
});

describe("the giving back", () => {
  const giving: Steps = { ...base, Capture: "Done", GiveBack: { state: "Running", startedAt: "2026-11-21T00:59:50Z" } };
  const starting = app(aWorkload().replicas(3).ready(0).meta({ generation: 3 }).build());
  test("waits for the app to be ready, unless the run is deleted", () => {
    const of = (run: ReturnType<typeof aRun>): RunDecision =>
      pass(stepsOf(giving), { run, status: held, seen: starting });
    expect(stateOf(of(aRun().holding()), "GiveBack")).toBe("Waiting");
    expect(stateOf(of(aRun().holding().deleting()), "GiveBack")).toBe("Done");
  });
  test("is not begun by a cancellation when the stop was skipped", () => {
    const steps = stepsOf({
      ...base,
      Preflight: { state: "Failed", code: "HO-X003", message: "x" },
      Quiesce: "Skipped",
      Capture: "Skipped",
    });
    expect(stateOf(pass(steps, { run: aRun().holding().cancelled() }), "GiveBack")).toBe("Skipped");
  });
});

describe("of a capture whose Job is gone", () => {
  const gone = (name: string, status: RunStatus): RunDecision =>
    pass(stepsOf({ ...base, Capture: "Pending", [name]: capture }), {
      status,
      seen: down({ holders: [own] }),
      now: "01:00:30",
    });
  const made: RunStatus = { ...held, capturePodUID: "pod-uid" };
  const released: RunStatus = { ...held, times: { ...times, releasedAt: "2026-11-21T00:59:50Z" } };
  test("no other is made once its pod was seen or the app was given back", () => {
    for (const status of [made, released]) {
      const decision = gone("Capture", status);
      expect(stepOf(decision, "Capture")).toMatchObject({ state: "Failed", code: "HO-X001" });
      expect(acts(decision)).not.toContain("createJob");
    }
  });
  test("before that it is made again; other Jobs always are", () => {
    expect(acts(gone("Capture", held))).toContain("createJob");
    for (const status of [made, released]) expect(acts(gone("Preflight", status))).toContain("createJob");
  });
});

describe("a capture", () => {
  const itsPod = (name: string): ReturnType<typeof aPod> => aPod(name).ofJob("job", "shop-1-uid");
  const done = (step: string, change: object = {}) => ({
    name: step,
    exitCode: 0,
    message: JSON.stringify({ version: 1, ok: true, step, ...change }),
  });
  const archived = done("archive", {
    bytes: 1,
    storedBytes: 1,
    files: 1,
    freezeSeconds: 1,
    seconds: 1,
    peakMiB: 1,
    warnings: [],
  });
  const releasedAt = (moment: string) => done("release", { releasedAt: moment });
  /** With containers that have ended, and one that goes on. */
  const halfway = (...ends: readonly { name: string; exitCode: number; message?: string }[]): Pod => {
    const pod = itsPod("pod")
      .ended(...ends)
      .build();
    return {
      ...pod,
      spec: { containers: [{ name: "dump" }, ...pod.spec.containers] },
      status: {
        phase: "Running",
        containerStatuses: [{ name: "dump", state: { running: {} } }, ...(pod.status?.containerStatuses ?? [])],
      },
    };
  };
  const watch = (pods: readonly Pod[], story: Story = {}, jobs: readonly Job[] = [theJob]): RunDecision =>
    pass(stepsOf({ ...base, Capture: capture }), {
      status: held,
      seen: down({ holders: [own] }, ...pods),
      jobs,
      ...story,
    });

  test.each<[string, Pod, string | undefined]>([
    ["when its part says so", halfway(releasedAt("2026-11-21T00:59:40Z")), "2026-11-21T00:59:40.000Z"],
    ["by our clock, when that part says no time", halfway(done("release")), now],
    ["by our clock, when it says nothing", halfway({ name: "release", exitCode: 0 }), now],
    ["by our clock, when it says what is no result", halfway({ name: "release", exitCode: 0, message: "{" }), now],
    ["by our clock, when another part speaks", halfway({ ...archived, name: "release" }), now],
    [
      "by our clock, when it speaks of a failure",
      halfway({
        name: "release",
        exitCode: 0,
        message: '{"version":1,"ok":false,"step":"release","code":"HO-X001","message":"x","retry":false}',
      }),
      now,
    ],
    ["when all of it is over, and no part had to say so", itsPod("pod").ended(archived).build(), now],
    ["not while another part goes on", halfway(archived), undefined],
    ["not of a pod that nobody knows anything of", itsPod("pod").status(undefined).build(), undefined],
    [
      "not of a pod whose containers wait",
      itsPod("pod")
        .status({ phase: "Pending", containerStatuses: [{ name: "release" }] })
        .build(),
      undefined,
    ],
  ])("releases the source %s", (_name, pod, expected) => {
    const decision = watch([pod]);
    expect(decision.status.times?.releasedAt).toBe(expected);
    expect(stateOf(decision, "GiveBack") === "Running").toBe(expected !== undefined);
    expect(decision.wakeAfter === 0).toBe(expected !== undefined);
  });
  test("is released at no time before now, when nobody knows since when the app was gone", () => {
    const decision = watch([halfway(releasedAt("2026-11-21T00:10:00Z"))], { status: { workloads: stopped } });
    expect(decision.status.times?.releasedAt).toBe(now);
  });
  test("is the work of the pod that has ended well, whichever was seen before", () => {
    const status = { ...held, capturePodUID: "first-uid" };
    const seen = (pod: Pod): unknown => watch([pod], { status }).status.capturePodUID;
    expect(seen(itsPod("pod").build())).toBe("first-uid");
    expect(seen(itsPod("pod").ended(archived).build())).toBe("pod-uid");
  });
  test("without a pod is the work of nobody", () => {
    expect(watch([]).status.capturePodUID).toBeUndefined();
    const failed = itsPod("pod").ended({ name: "archive", exitCode: 1 }).build();
    expect(watch([failed], {}, [aJob("job").condition("Failed").build()]).status.capturePodUID).toBeUndefined();
  });
  test("of which one part dies fails at once, and its Job is left alone for its log", () => {
    const decision = watch([halfway({ name: "archive", exitCode: 137 })]);
    expect(stepOf(decision, "Capture")).toMatchObject({ state: "Failed", code: "HO-X001", finishedAt: now });
    expect(stepOf(decision, "Capture")?.message).toContain("container archive ended with code 137");
    expect(acts(decision)).not.toContain("deleteJob");
    expect(decision.wakeAfter).toBe(0);
    expect(decision.status.times?.releasedAt).toBeUndefined();
  });
  test("of an app that runs on minds nothing of all that", () => {
    const running: Steps = { ...base, Quiesce: undefined as never, GiveBack: undefined as never, Capture: capture };
    const seen = app(aWorkload().replicas(3).build(), undefined, [halfway(releasedAt(now))]);
    const decision = pass(stepsOf(running), {
      status: { workloads: stopped, times },
      seen,
      jobs: [theJob],
      now: "05:00",
    });
    expect(stateOf(decision, "Capture")).toBe("Running");
    expect(decision.status.times?.releasedAt).toBeUndefined();
    expect(decision.status.capturePodUID).toBe("pod-uid");
  });
  test("that is over is not watched any more", () => {
    const steps = stepsOf({ ...base, Capture: { ...capture, state: "Done" } });
    const decision = pass(steps, { status: held, seen: app(zero.build()), jobs: [theJob] });
    expect([stateOf(decision, "Capture"), stateOf(decision, "GiveBack")]).toEqual(["Done", "Running"]);
  });
});
