/** What a Job and its pods say: a small state with results, parsed and never trusted. */
import type { ErrorCode } from "../api/codes.ts";
import { type ContainerStatus, type Job, type Pod, isOwnedBy } from "../api/kinds.ts";
import { jobNameLabel } from "../api/names.ts";
import { type MoverSuccess, type ResultOf, parseResult } from "../contract/result.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import { clip } from "../domain/text.ts";

export interface JobProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: boolean;
}

export type JobState =
  | { readonly is: "absent" }
  /** Gone as an object, while a pod of it still runs. */
  | { readonly is: "ending" }
  | { readonly is: "running"; readonly pod?: Pod; readonly ended: ReadonlyMap<string, ContainerStatus> }
  | { readonly is: "succeeded"; readonly pod: Pod; readonly results: readonly MoverSuccess[] }
  | { readonly is: "failed"; readonly problem: JobProblem };

/** How long a pod may be impossible to place or start before its step fails; image pulls and slow provisioners need some time. */
const startGrace = 90_000;

/** A container that the kubelet reports as running, or that it starts again and again. */
export const hasStarted = (pod: Pod): boolean =>
  [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].some(
    ({ state, restartCount }) =>
      state?.running !== undefined || state?.terminated !== undefined || (restartCount ?? 0) > 0,
  );

/**
 * No process of it runs any more, in the words of its kubelet. Its phase alone does not say so: of a pod whose node is gone or does
 * not answer, the garbage collector of pods sets it to Failed, while the containers are on record as running.
 */
export const isTerminated = (pod: Pod): boolean => {
  const statuses = pod.status?.containerStatuses ?? [];
  // Sidecars are init containers that end after the others.
  if ([...statuses, ...(pod.status?.initContainerStatuses ?? [])].some(({ state }) => state?.running !== undefined))
    return false;
  if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return true;
  return (
    statuses.length >= pod.spec.containers.length && statuses.every((status) => status.state?.terminated !== undefined)
  );
};

const endedContainers = (pod: Pod): ReadonlyMap<string, ContainerStatus> =>
  new Map(
    (pod.status?.containerStatuses ?? [])
      .filter((status) => status.state?.terminated !== undefined)
      .map((status) => [status.name, status]),
  );

/** What the containers of a pod report when each of them has ended well and speaks for its own step; else nothing. */
function goodResults(pod: Pod): readonly MoverSuccess[] | undefined {
  const ended = endedContainers(pod);
  const results: MoverSuccess[] = [];
  for (const { name } of pod.spec.containers) {
    const last = ended.get(name)?.state?.terminated;
    const result = last?.exitCode === 0 ? parseResult(last.message) : undefined;
    if (result?.ok !== true || result.step !== name) return undefined;
    results.push(result);
  }
  return results;
}

/**
 * Of a pod that still runs: a container has ended badly, so the pod can come to no good end, however long the others take. One that
 * was killed could not tell the others, and they would wait for it for ever.
 */
export function brokenPart(state: JobState): JobProblem | undefined {
  if (state.is !== "running" || state.pod === undefined) return undefined;
  const broken = [...state.ended.values()].some((status) => status.state?.terminated?.exitCode !== 0);
  return broken ? failureOf([state.pod]) : undefined;
}

/** The first failure that a container reported, else a description of how it died. */
function failureOf(pods: readonly Pod[], job?: Job): JobProblem {
  for (const pod of pods) {
    const failures = [...endedContainers(pod).values()]
      .map((status) => parseResult(status.state?.terminated?.message))
      .filter((result) => result?.ok === false)
      // `release` only repeats that another part has failed.
      .toSorted((a, b) => Number(a.step === "release") - Number(b.step === "release"));
    const [first] = failures;
    if (first !== undefined) return { code: first.code, message: first.message, retry: first.retry };
  }
  const late = job?.status?.conditions?.find(
    (condition) => condition.type === "Failed" && condition.reason === "DeadlineExceeded",
  );
  if (late !== undefined) return { code: "HO-X002", message: "the step did not end within its deadline", retry: false };
  const died = pods
    .flatMap((pod) => [...endedContainers(pod).values()])
    .find((status) => status.state?.terminated?.exitCode !== 0);
  const evicted = pods.find((pod) =>
    pod.status?.conditions?.some((condition) => condition.type === "DisruptionTarget" && condition.status === "True"),
  );
  const how =
    evicted !== undefined
      ? "the pod was evicted"
      : died === undefined
        ? "the pod is gone and left no result"
        : `container ${died.name} ended with code ${died.state?.terminated?.exitCode} (${died.state?.terminated?.reason ?? "no reason"}) and left no result`;
  return { code: "HO-X001", message: how, retry: true };
}

/** A pod that does not get to run, after a time of grace. */
function stuck(job: Job, pod: Pod | undefined, now: Instant): JobProblem | undefined {
  const age = now - (parseInstant((pod ?? job).metadata.creationTimestamp) ?? now);
  if (age < startGrace) return undefined;
  // A pod that was there and is gone is counted; what became of it, the Job says a moment later.
  const { active = 0, succeeded = 0, failed = 0 } = job.status ?? {};
  if (pod === undefined && active + succeeded + failed > 0) return undefined;
  if (pod === undefined)
    return { code: "HO-P114", message: "the cluster did not create the pod of the step", retry: false };
  const unschedulable = pod.status?.conditions?.find(
    (condition) => condition.type === "PodScheduled" && condition.status === "False",
  );
  if (unschedulable !== undefined) {
    const claim = /persistentvolumeclaim|volume/i.test(unschedulable.message ?? "");
    return {
      code: claim ? "HO-P103" : "HO-P114",
      message: clip(`the pod cannot be placed: ${unschedulable.message ?? "no reason given"}`, 500),
      retry: false,
    };
  }
  const waiting = (pod.status?.containerStatuses ?? [])
    .map((status) => status.state?.waiting)
    .find((state) => state !== undefined);
  if (waiting === undefined || pod.status?.phase !== "Pending") return undefined;
  const blocked = waiting.reason !== "ContainerCreating" && waiting.reason !== "PodInitializing";
  if (!blocked && age < 3 * startGrace) return undefined;
  return {
    code: "HO-P114",
    message: clip(`the pod does not start: ${waiting.reason ?? "unknown"} ${waiting.message ?? ""}`.trim(), 500),
    retry: false,
  };
}

/** @param pods pods of the owner; those of this Job are picked by its uid: labels are copied from pod to pod. */
export function judgeJob(name: string, job: Job | undefined, pods: readonly Pod[], now: Instant): JobState {
  if (job === undefined) {
    const left = pods.some((pod) => pod.metadata.labels?.[jobNameLabel] === name && !isTerminated(pod));
    return { is: left ? "ending" : "absent" };
  }
  const own = pods.filter((pod) => isOwnedBy(pod, job.metadata.uid));
  if (job.metadata.deletionTimestamp !== undefined) return { is: "ending" };
  const conditions = job.status?.conditions ?? [];
  const has = (type: string): boolean =>
    conditions.some((condition) => condition.type === type && condition.status === "True");
  // The last word of the pod's containers is final; the Job repeats it some two seconds later.
  for (const candidate of own) {
    const results = goodResults(candidate);
    if (results !== undefined) return { is: "succeeded", pod: candidate, results };
  }
  if (has("Failed")) return { is: "failed", problem: failureOf(own, job) };
  if (has("Complete")) {
    const message = "the step ended well but left no result that can be read";
    return { is: "failed", problem: { code: "HO-X001", message, retry: true } };
  }
  const pod = own.find((candidate) => candidate.metadata.deletionTimestamp === undefined) ?? own[0];
  const problem = stuck(job, pod, now);
  if (problem !== undefined) return { is: "failed", problem };
  return {
    is: "running",
    ...(pod === undefined ? {} : { pod }),
    ended: pod === undefined ? new Map() : endedContainers(pod),
  };
}

export function resultOf<S extends MoverSuccess["step"]>(
  results: readonly MoverSuccess[],
  step: S,
): ResultOf<S> | undefined {
  return results.find((result): result is ResultOf<S> => result.step === step);
}
