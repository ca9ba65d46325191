/** A pod of a Job in its states between: has it ended, has it had time enough, which of its words are told. */
import { describe, expect, test } from "@jest/globals";
import type { ContainerStatus, Job, Pod } from "../../../operator/api/kinds.ts";
import { type JobState, isTerminated, judgeJob } from "../../../operator/decide/job-state.ts";
import { aJob, aPod, at } from "../../support/builders.ts";

const name = "shop-1-warm-1";
const job = aJob(name);
const pod = aPod("p").ofJob(name, "run-uid");
const ended: ContainerStatus["state"] = { terminated: { exitCode: 0 } };
const runs: ContainerStatus["state"] = { running: {} };
const made = at("01:00");
const judge = (now: number, found: Pod | undefined, of: Job = job.build()): JobState =>
  judgeJob(name, of, found === undefined ? [] : [found], now);
const problem = (state: JobState): string => (state.is === "failed" ? state.problem.message : state.is);

describe("has ended", () => {
  const two = { containers: [{ name: "a" }, { name: "b" }] };
  test.each<{ name: string; status: Pod["status"]; spec?: Pod["spec"]; expected: boolean }>([
    { name: "the pod says so", status: { phase: "Succeeded" }, expected: true },
    { name: "the pod has failed", status: { phase: "Failed" }, expected: true },
    { name: "nothing is known", status: undefined, expected: false },
    {
      name: "the last container has",
      status: { phase: "Running", containerStatuses: [{ name: "a", state: ended }] },
      expected: true,
    },
    {
      name: "one of two has, the other is not told of",
      status: { phase: "Running", containerStatuses: [{ name: "a", state: ended }] },
      spec: two,
      expected: false,
    },
    {
      name: "one of two has, the other runs",
      status: {
        phase: "Running",
        containerStatuses: [
          { name: "a", state: ended },
          { name: "b", state: runs },
        ],
      },
      spec: two,
      expected: false,
    },
    {
      name: "all but a sidecar have",
      status: {
        phase: "Running",
        containerStatuses: [{ name: "a", state: ended }],
        initContainerStatuses: [
          { name: "init", state: ended },
          { name: "sidecar", state: runs },
        ],
      },
      expected: false,
    },
    {
      name: "all have, and the sidecars",
      status: {
        phase: "Running",
        containerStatuses: [{ name: "a", state: ended }],
        initContainerStatuses: [{ name: "sidecar", state: ended }],
      },
      expected: true,
    },
  ])("$name: $expected", ({ status, spec = { containers: [{ name: "a" }] }, expected }) => {
    expect(isTerminated({ ...pod.build(), spec, ...(status === undefined ? { status: {} } : { status }) })).toBe(
      expected,
    );
  });
});

describe("has time to start", () => {
  const waits = (reason: string | undefined, message?: string): Pod =>
    pod
      .status({
        phase: "Pending",
        containerStatuses: [
          { name: "done", state: ended },
          { name: "app", state: { waiting: { ...(reason && { reason }), ...(message && { message }) } } },
        ],
      })
      .build();

  test.each<{ name: string; found?: Pod; of?: Job; seconds: number; expected: string }>([
    { name: "no pod yet", seconds: 89.999, expected: "running" },
    { name: "no pod for too long", seconds: 90, expected: "the cluster did not create the pod of the step" },
    { name: "a pod that was there", of: job.counted({ succeeded: 1 }).build(), seconds: 500, expected: "running" },
    { name: "a pod that had failed", of: job.counted({ failed: 1 }).build(), seconds: 500, expected: "running" },
    { name: "a blocked pod", found: waits("ErrImagePull"), seconds: 89.999, expected: "running" },
    {
      name: "a pod that is blocked for too long",
      found: waits("ErrImagePull", "no such host"),
      seconds: 90,
      expected: "the pod does not start: ErrImagePull no such host",
    },
    {
      name: "a pod that does not say why",
      found: waits(undefined),
      seconds: 90,
      expected: "the pod does not start: unknown",
    },
    { name: "a slow volume", found: waits("PodInitializing"), seconds: 269.999, expected: "running" },
    {
      name: "a volume that never comes",
      found: waits("PodInitializing"),
      seconds: 270,
      expected: "the pod does not start: PodInitializing",
    },
    {
      name: "a container that is started anew beside one that runs",
      found: pod
        .status({
          phase: "Running",
          containerStatuses: [{ name: "app", state: { waiting: { reason: "CrashLoopBackOff" } } }],
        })
        .build(),
      seconds: 500,
      expected: "running",
    },
    {
      name: "a pod that has its place",
      found: pod.pending([{ type: "PodScheduled", status: "True" }]).build(),
      seconds: 500,
      expected: "running",
    },
    {
      name: "a pod that is not ready",
      found: pod.pending([{ type: "Ready", status: "False" }]).build(),
      seconds: 500,
      expected: "running",
    },
    {
      name: "a pod without a place and without a reason",
      found: pod.pending([{ type: "PodScheduled", status: "False" }]).build(),
      seconds: 90,
      expected: "the pod cannot be placed: no reason given",
    },
  ])("$name, $seconds s", ({ found, of, seconds, expected }) => {
    expect(problem(judge(made + seconds * 1000, found, of))).toBe(expected);
  });

  test("by the age of the pod, not of its Job", () => {
    const young = { ...waits("ErrImagePull") };
    const later = { ...young, metadata: { ...young.metadata, creationTimestamp: "2026-11-21T01:05:00Z" } };
    expect(problem(judge(at("01:06"), later))).toBe("running");
  });

  test("and is not told of at more length than a status bears", () => {
    const message = "x".repeat(2000);
    expect(problem(judge(made + 90_000, waits("ErrImagePull", message)))).toHaveLength(500);
    const placed = pod.pending([{ type: "PodScheduled", status: "False", message }]).build();
    expect(problem(judge(made + 90_000, placed))).toHaveLength(500);
  });
});

describe("a Job that runs", () => {
  test("tells which of its containers have ended", () => {
    const containers = [
      { name: "dump", state: ended },
      { name: "pack", state: runs },
    ];
    const state = judge(made, { ...pod.status({ phase: "Running", containerStatuses: containers }).build() });
    expect(state.is === "running" ? [...state.ended.keys()] : state).toEqual(["dump"]);
    expect(judge(made, undefined)).toEqual({ is: "running", ended: new Map() });
  });

  test.each([
    ["Failed", "False"],
    ["Complete", "False"],
    ["FailureTarget", "True"],
    ["SuccessCriteriaMet", "True"],
  ])("has not ended because of a condition %s that is %s", (type, status) => {
    expect(judge(made, undefined, job.status({ conditions: [{ type, status }] }).build()).is).toBe("running");
  });

  test("of two pods that go, the first is looked at", () => {
    const [first, second] = [pod.named("first").deleting().build(), pod.named("second").deleting().build()];
    const state = judgeJob(name, job.build(), [first, second], made);
    expect(state.is === "running" ? state.pod?.metadata.name : undefined).toBe("first");
  });
});

describe("a Job that has failed", () => {
  const failed = job.condition("Failed").build();
  test.each<{ name: string; found: Pod; expected: string }>([
    {
      name: "names the container that died, not the one that ended well",
      found: pod.ended({ name: "good", exitCode: 0 }, { name: "bad", exitCode: 3 }).build(),
      expected: "container bad ended with code 3 (no reason) and left no result",
    },
    {
      name: "was not evicted because of a disruption that did not come",
      found: pod.status({ phase: "Failed", conditions: [{ type: "DisruptionTarget", status: "False" }] }).build(),
      expected: "the pod is gone and left no result",
    },
    {
      name: "was not evicted because of another condition",
      found: pod.status({ phase: "Failed", conditions: [{ type: "Ready", status: "True" }] }).build(),
      expected: "the pod is gone and left no result",
    },
  ])("$name", ({ found, expected }) => {
    expect(problem(judge(made, found, failed))).toBe(expected);
  });

  test("of another reason is not late", () => {
    expect(problem(judge(made, undefined, job.condition("Failed", "BackoffLimitExceeded").build()))).toBe(
      "the pod is gone and left no result",
    );
  });
});
