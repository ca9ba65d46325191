/** What a Job and its pods say, and the code that follows when it is nothing good. */
import { describe, expect, test } from "@jest/globals";
import type { Job, Pod } from "../../../operator/api/kinds.ts";
import { judgeJob } from "../../../operator/decide/job-state.ts";
import { aJob, aPod, at } from "../../support/builders.ts";

const name = "shop-1-warm-1";
const pod = aPod("p").ofJob(name, "run-uid");
const job = aJob(name);
const soon = at("01:00:10");
const later = at("01:02:00");
const report = (change: object = {}): string =>
  JSON.stringify({ version: 1, step: "warm", ok: true, bytes: 1, files: 1, ...change });
const failure = (change: object = {}): string =>
  JSON.stringify({
    version: 1,
    step: "warm",
    ok: false,
    code: "HO-A401",
    message: "cannot read x",
    retry: false,
    ...change,
  });
const placed = (reason: string, message: string): Pod =>
  pod.pending([{ type: "PodScheduled", status: "False", reason, message }]).build();
const evicted = pod.status({ phase: "Failed", conditions: [{ type: "DisruptionTarget", status: "True" }] }).build();
const warmEnded = pod.ended({ name: "warm", exitCode: 0, message: report() }).build();

interface Case {
  readonly name: string;
  readonly job?: Job;
  readonly pods?: readonly Pod[];
  readonly now?: number;
  readonly is: string;
  readonly code?: string;
  readonly retry?: boolean;
  readonly says?: string;
}
const cases: readonly Case[] = [
  { name: "no Job, no pod", is: "absent" },
  { name: "no Job, but its pod still runs", pods: [pod.build()], is: "ending" },
  { name: "no Job, and its pod has ended", pods: [pod.ended({ name: "warm", exitCode: 0 }).build()], is: "absent" },
  { name: "no Job, and a pod of another Job", pods: [aPod("q").ofJob("other", "run-uid").build()], is: "absent" },
  { name: "a Job that is being deleted", job: job.deleting().build(), is: "ending" },
  { name: "a new Job without a pod", job: job.build(), now: soon, is: "running" },
  { name: "a Job whose pod never came", job: job.build(), now: later, is: "failed", code: "HO-P114", retry: false },
  { name: "a Job whose pod has just vanished", job: job.counted({ active: 1 }).build(), now: later, is: "running" },
  { name: "a running pod", job: job.build(), pods: [pod.build()], now: later, is: "running" },
  {
    name: "a pod that has no place yet",
    job: job.build(),
    pods: [placed("Unschedulable", "0/3 nodes")],
    now: soon,
    is: "running",
  },
  {
    name: "a pod that has no place",
    job: job.build(),
    pods: [placed("Unschedulable", "0/3 nodes: cpu")],
    now: later,
    is: "failed",
    code: "HO-P114",
    says: "0/3 nodes: cpu",
  },
  {
    name: "a pod that waits for its volume",
    job: job.build(),
    pods: [placed("Unschedulable", "unbound PersistentVolumeClaims")],
    now: later,
    is: "failed",
    code: "HO-P103",
  },
  {
    name: "an image that cannot be pulled",
    job: job.build(),
    pods: [pod.pending([], "ImagePullBackOff").build()],
    now: later,
    is: "failed",
    code: "HO-P114",
    says: "ImagePullBackOff",
  },
  {
    name: "a container that is slow to create has more time",
    job: job.build(),
    pods: [pod.pending([], "ContainerCreating").build()],
    now: later,
    is: "running",
  },
  {
    name: "a container that is never created",
    job: job.build(),
    pods: [pod.pending([], "ContainerCreating").build()],
    now: at("01:05"),
    is: "failed",
    code: "HO-P114",
  },
  {
    name: "a good end",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: report() }).build()],
    is: "succeeded",
  },
  {
    name: "a good end that only the pod knows of yet",
    job: job.counted({ active: 1 }).build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: report() }).build()],
    is: "succeeded",
  },
  {
    name: "a pod with copied labels says nothing",
    job: job.counted({ active: 1 }).build(),
    pods: [pod.madeBy(name, "other").ended({ name: "warm", exitCode: 0, message: report() }).build()],
    is: "running",
  },
  {
    name: "a good end just before the deadline",
    job: job.condition("Failed", "DeadlineExceeded").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: report() }).build()],
    is: "succeeded",
  },
  {
    name: "a good result of a container that ended badly",
    job: job.condition("Failed").build(),
    pods: [pod.ended({ name: "warm", exitCode: 137, message: report() }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "one container has ended well, another works on",
    job: job.counted({ active: 1 }).build(),
    pods: [{ ...warmEnded, spec: { containers: [{ name: "warm" }, { name: "release" }] } }],
    is: "running",
  },
  {
    name: "a good end without a result",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0 }).build()],
    is: "failed",
    code: "HO-X001",
    retry: true,
  },
  {
    name: "a good end without a pod",
    job: job.condition("Complete").build(),
    is: "failed",
    code: "HO-X001",
    retry: true,
  },
  {
    name: "a result that is no JSON",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: "done!" }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "a result with a field of another type",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: report({ bytes: "many" }) }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "a result of another version",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: report({ version: 2 }) }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "a result that is longer than Kubernetes lets it be",
    job: job.condition("Complete").build(),
    pods: [
      pod
        .ended({
          name: "warm",
          exitCode: 0,
          message: report({ warnings: Array.from({ length: 8 }, () => "x".repeat(900)) }),
        })
        .build(),
    ],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "a container that reports for another step",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "seal", exitCode: 0, message: report() }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "a container that says it failed and ends well",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: failure() }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "one of two containers without a result",
    job: job.condition("Complete").build(),
    pods: [pod.ended({ name: "warm", exitCode: 0, message: report() }, { name: "release", exitCode: 0 }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "a failure that the mover names",
    job: job.condition("Failed").build(),
    pods: [pod.ended({ name: "warm", exitCode: 1, message: failure() }).build()],
    is: "failed",
    code: "HO-A401",
    retry: false,
    says: "cannot read x",
  },
  {
    name: "a failure that may pass",
    job: job.condition("Failed").build(),
    pods: [pod.ended({ name: "warm", exitCode: 1, message: failure({ code: "HO-D301", retry: true }) }).build()],
    is: "failed",
    code: "HO-D301",
    retry: true,
  },
  {
    name: "the cause, not the container that only waited for it",
    job: job.condition("Failed").build(),
    pods: [
      pod
        .ended(
          { name: "release", exitCode: 1, message: failure({ step: "release", code: "HO-X001" }) },
          { name: "dump", exitCode: 1, message: failure({ step: "dump", code: "HO-D306" }) },
        )
        .build(),
    ],
    is: "failed",
    code: "HO-D306",
  },
  {
    name: "a code that is not in the catalogue is no result",
    job: job.condition("Failed").build(),
    pods: [pod.ended({ name: "warm", exitCode: 1, message: failure({ code: "HO-Z999" }) }).build()],
    is: "failed",
    code: "HO-X001",
  },
  {
    name: "out of memory",
    job: job.condition("Failed").build(),
    pods: [pod.ended({ name: "warm", exitCode: 137, reason: "OOMKilled" }).build()],
    is: "failed",
    code: "HO-X001",
    retry: true,
    says: "code 137 (OOMKilled)",
  },
  {
    name: "evicted",
    job: job.condition("Failed").build(),
    pods: [evicted],
    is: "failed",
    code: "HO-X001",
    retry: true,
    says: "evicted",
  },
  {
    name: "failed, and its pod is gone",
    job: job.condition("Failed").build(),
    is: "failed",
    code: "HO-X001",
    retry: true,
    says: "pod is gone",
  },
  {
    name: "too late",
    job: job.condition("Failed", "DeadlineExceeded").build(),
    is: "failed",
    code: "HO-X002",
    retry: false,
  },
  {
    name: "too late, but the mover has named the cause",
    job: job.condition("Failed", "DeadlineExceeded").build(),
    pods: [pod.ended({ name: "warm", exitCode: 1, message: failure() }).build()],
    is: "failed",
    code: "HO-A401",
  },
];

describe("a Job", () => {
  test.each(cases)("$name", (told) => {
    const state = judgeJob(name, told.job, told.pods ?? [], told.now ?? soon);
    expect(state.is).toBe(told.is);
    const problem = state.is === "failed" ? state.problem : undefined;
    expect(problem?.code).toBe(told.code);
    expect(problem?.retry).toBe(told.retry ?? problem?.retry);
    expect(problem?.message ?? "").toContain(told.says ?? "");
  });

  test("of a pod and the one that replaces it, the living one is looked at", () => {
    const state = judgeJob(name, job.build(), [pod.named("old").deleting().build(), pod.named("new").build()], later);
    expect(state.is === "running" ? state.pod?.metadata.name : undefined).toBe("new");
  });
});
