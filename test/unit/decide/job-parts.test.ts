/** Containers of a pod of which little is reported yet: what has started, what has ended, what is broken beyond repair. */
import { describe, expect, test } from "@jest/globals";
import type { ContainerStatus, Job, Pod } from "../../../operator/api/kinds.ts";
import { brokenPart, hasStarted, isTerminated, judgeJob } from "../../../operator/decide/job-state.ts";
import { aJob, aPod, at } from "../../support/builders.ts";

const name = "shop-1-capture-1";
const job = aJob(name);
const now = at("01:00");
const pod = aPod("p").ofJob(name, "run-uid");
type State = NonNullable<ContainerStatus["state"]>;
const part = (container: string, state?: State, restartCount?: number): ContainerStatus => ({
  name: container,
  ...(state && { state }),
  ...(restartCount === undefined ? {} : { restartCount }),
});
const runs: State = { running: {} };
const waits: State = { waiting: { reason: "ContainerCreating" } };
const exited = (exitCode: number, message?: object): State => ({
  terminated: { exitCode, ...(message && { message: JSON.stringify(message) }) },
});
const { status: _status, ...silent } = pod.build();
const mute: Pod = { ...silent, spec: { containers: [{ name: "dump" }] } };
const having = (containerStatuses: readonly ContainerStatus[], more: Pod["status"] = {}): Pod => ({
  ...mute,
  spec: { containers: containerStatuses.map(({ name: container }) => ({ name: container })) },
  status: { phase: "Running", containerStatuses: [...containerStatuses], ...more },
});

describe("a pod has started", () => {
  test.each<[string, Pod, boolean]>([
    ["not while nothing is known of it", mute, false],
    ["not while its node says nothing of its containers", having([part("dump")]), false],
    ["not while it waits", having([part("dump", waits)]), false],
    ["with one that runs", having([part("dump", waits), part("release", runs)]), true],
    ["with one that has ended", having([part("dump", exited(0))]), true],
    ["with one that is started again and again", having([part("dump", waits, 1)]), true],
    ["not with one that was never started again", having([part("dump", waits, 0)]), false],
    ["with a sidecar that runs", { ...mute, status: { initContainerStatuses: [part("proxy", runs)] } }, true],
    ["not with one that waits", { ...mute, status: { initContainerStatuses: [part("proxy", waits)] } }, false],
  ])("%s", (_what, seen, expected) => {
    expect(hasStarted(seen)).toBe(expected);
  });
});

describe("no process of a pod runs any more", () => {
  test.each<[string, Pod, boolean]>([
    ["not known while nothing is known of it", mute, false],
    ["not while its node says nothing of its containers", having([part("dump")]), false],
    ["not while one of two waits", having([part("dump", exited(0)), part("release", waits)]), false],
    ["not while one of two is not told of", having([part("dump", exited(0)), part("release")]), false],
    ["when all have ended", having([part("dump", exited(0)), part("release", exited(1))]), true],
    [
      "not when it is called failed while one is on record as running",
      having([part("dump", runs)], { phase: "Failed" }),
      false,
    ],
    ["when it is called failed, and nothing is on record", { ...mute, status: { phase: "Failed" } }, true],
    [
      "when all have, whatever a sidecar that never ran waits for",
      having([part("dump", exited(0))], { initContainerStatuses: [part("proxy"), part("log", waits)] }),
      true,
    ],
  ])("%s", (_what, seen, expected) => {
    expect(isTerminated(seen)).toBe(expected);
  });
});

describe("a capture can come to no good end any more", () => {
  const running = (...containers: readonly ContainerStatus[]) =>
    judgeJob(name, job.counted({ active: 1 }).build(), [having([...containers, part("archive", runs)])], now);
  const killed = exited(137);
  const told = (step: string, code: string): State =>
    exited(1, { version: 1, ok: false, step, code, message: "no", retry: false });
  test("not while its parts run or have ended well", () => {
    expect(brokenPart(running())).toBeUndefined();
    expect(brokenPart(running(part("dump", exited(0))))).toBeUndefined();
  });
  test("when one was killed, and could not tell the others", () => {
    expect(brokenPart(running(part("release", exited(0)), part("dump", killed)))).toMatchObject({
      code: "HO-X001",
      message: "container dump ended with code 137 (no reason) and left no result",
    });
  });
  test("when one has told why, and that is the reason", () => {
    expect(brokenPart(running(part("release", killed), part("dump", told("dump", "HO-D306"))))).toMatchObject({
      code: "HO-D306",
    });
  });
  test.each<[string, readonly string[]]>([
    ["the first that has told", ["dump", "seal"]],
    ["not the one that waited for the others", ["release", "dump"]],
    ["not that one at the end either", ["dump", "release"]],
  ])("of several it is %s", (_what, [first, second]) => {
    const code = (step: string | undefined): string => (step === "dump" ? "HO-D306" : "HO-A401");
    const state = running(part(first!, told(first!, code(first))), part(second!, told(second!, code(second))));
    expect(brokenPart(state)?.code).toBe("HO-D306");
  });
  test("is not said of a Job that is over, gone, or without a pod", () => {
    const states = [
      judgeJob(name, job.condition("Failed").build(), [having([part("dump", killed)])], now),
      judgeJob(name, undefined, [], now),
      judgeJob(name, job.build(), [], now),
    ];
    expect(states.map((state) => [state.is, brokenPart(state)])).toEqual([
      ["failed", undefined],
      ["absent", undefined],
      ["running", undefined],
    ]);
  });
});

describe("a Job", () => {
  const { labels: _labels, ...bare } = pod.build().metadata;
  const { status: _none, ...fresh } = job.build();
  const is = (of: Job | undefined, ...pods: readonly Pod[]): string => judgeJob(name, of, pods, now).is;
  test("that is gone is ending while a pod of its name runs, and no other", () => {
    expect(is(undefined, pod.build())).toBe("ending");
    expect(is(undefined, pod.ended({ name: "dump", exitCode: 0 }).build())).toBe("absent");
    expect(is(undefined, { ...pod.build(), metadata: bare }, aPod("x").ofJob("other", "run-uid").build())).toBe(
      "absent",
    );
  });
  test("that goes is ending, whatever its pods say", () => {
    expect(is(job.deleting().build())).toBe("ending");
  });
  test("that was made a moment ago runs, with or without a pod", () => {
    expect([is(fresh), is(fresh, mute), is(fresh, having([part("dump")]))]).toEqual(["running", "running", "running"]);
  });
  test("whose pod is there and is not told of is waited for however long", () => {
    const late = at("02:00");
    for (const seen of [mute, having([part("dump")])]) expect(judgeJob(name, fresh, [seen], late).is).toBe("running");
  });
  test("that was evicted says so, whatever else its pod says", () => {
    const conditions = [
      { type: "Ready", status: "False" },
      { type: "DisruptionTarget", status: "True" },
    ];
    const state = judgeJob(
      name,
      job.condition("Failed").build(),
      [having([part("dump")], { phase: "Failed", conditions })],
      now,
    );
    expect(state).toMatchObject({ is: "failed", problem: { message: "the pod was evicted", retry: true } });
  });
  test("that is late is late, whatever else is said of it", () => {
    const conditions = [
      { type: "FailureTarget", status: "True", reason: "DeadlineExceeded" },
      { type: "Failed", status: "True", reason: "BackoffLimitExceeded" },
    ];
    const failed = judgeJob(name, job.status({ conditions }).build(), [], now);
    expect(failed).toMatchObject({ is: "failed", problem: { code: "HO-X001" } });
  });
  test.each<[string, string, string]>([
    ["for want of room", "0/3 nodes are available: Insufficient memory", "HO-P114"],
    ["for want of its claim", 'persistentvolumeclaim "vault" not found', "HO-P103"],
    ["for want of a place near its volume", "1 node(s) had Volume node affinity conflict", "HO-P103"],
  ])("that cannot be placed %s ends, and is not tried again", (_what, message, code) => {
    const conditions = [{ type: "PodScheduled", status: "False", message }];
    const state = judgeJob(name, fresh, [{ ...mute, status: { phase: "Pending", conditions } }], at("01:02"));
    expect(state).toMatchObject({ is: "failed", problem: { code, retry: false } });
  });
  test("whose pod does not start ends, and is not tried again", () => {
    const blocked = having([part("dump"), part("release", { waiting: { reason: "ErrImagePull" } })], {
      phase: "Pending",
    });
    expect(judgeJob(name, fresh, [blocked], at("01:02"))).toMatchObject({
      is: "failed",
      problem: { code: "HO-P114", retry: false },
    });
  });
});
