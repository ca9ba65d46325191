/** The Jobs of a restore: which tasks, which claims, how long. */
import type { PolicySpec } from "../api/kinds.ts";
import type { ResultOf } from "../contract/result.ts";
import type { MoverTask } from "../contract/task.ts";
import type { JobManifest } from "./decision.ts";
import { type Mounts, buildJob } from "./job-spec.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import { databaseRefs, locationRef, ownerOf, secretMounts, volumeMounts, volumeRefs } from "./run-jobs.ts";

export interface RestoreJobContext {
  readonly seen: RestoreObservation;
  /** As it was accepted. */
  readonly policy: PolicySpec;
  readonly policyUID: string;
  /** What the plan has found, once it is made. */
  readonly plan: ResultOf<"plan"> | undefined;
  /** Whether the exchange is done. */
  readonly swapped: boolean;
}

const deadlines: Readonly<Record<string, number>> = { Plan: 900, Stage: 86_400, Swap: 3_600, Cleanup: 7_200 };

/** @param step name of the recorded step */
export function buildRestoreJob(step: string, jobName: string, context: RestoreJobContext): JobManifest {
  const { seen, policy, plan } = context;
  const { request } = seen;
  const { include } = request.spec;
  const databases = databaseRefs(policy).filter(
    ({ name }) => include === undefined || include.databases?.includes(name) === true,
  );
  const volumes = volumeRefs(policy).filter(
    ({ name }) => include === undefined || include.volumes?.includes(name) === true,
  );
  const uuids = new Map(
    seen.policy?.status?.locations?.flatMap(({ name, uuid }) => (uuid === undefined ? [] : [[name, uuid] as const])),
  );
  const common = {
    version: 1 as const,
    namespace: request.metadata.namespace,
    policy: request.spec.policyName,
    policyUID: context.policyUID,
    run: request.metadata.name,
    runUID: request.metadata.uid,
  };
  const job = (mounts: Mounts, task: MoverTask): JobManifest =>
    buildJob({
      name: jobName,
      namespace: request.metadata.namespace,
      owner: ownerOf("RestoreRequest", request.metadata),
      policy: request.spec.policyName,
      step,
      deadlineSeconds: deadlines[step] ?? 3_600,
      tasks: [task],
      mounts,
      mover: policy.mover,
      settings: seen.settings,
    });
  const targets = (readOnly: boolean): Pick<Mounts, "volumes" | "secrets"> => ({
    volumes: volumeMounts(policy, readOnly).filter(({ name }) => volumes.some((volume) => volume.name === name)),
    secrets: secretMounts(policy).filter(({ database }) => databases.some(({ name }) => name === database)),
  });
  const sinks = policy.sinks.map((sink) => ({ name: sink.name, claimName: sink.claim.claimName, readOnly: true }));
  const store = { claimName: policy.store.claimName, readOnly: true };

  switch (step) {
    case "Plan":
      return job(
        { store, sinks, ...targets(true) },
        {
          ...common,
          step: "plan",
          from: { ...request.spec.from },
          databases,
          volumes,
          locations: ["source", ...policy.sinks.map((sink) => sink.name)].map((name) => locationRef(name, uuids)),
        },
      );
    case "Stage": {
      const from = plan?.location ?? "source";
      return job(
        {
          ...(from === "source" ? { store } : { sinks: sinks.filter(({ name }) => name === from) }),
          ...targets(false),
        },
        {
          ...common,
          step: "stage",
          id: plan?.id ?? "",
          location: locationRef(from, uuids),
          manifestSHA256: plan?.manifestSHA256 ?? "",
          databases,
          volumes,
        },
      );
    }
    case "Swap":
      return job(targets(false), { ...common, step: "swap", databases, volumes });
    case "Cleanup":
      return job(targets(false), {
        ...common,
        step: "cleanup",
        swapped: context.swapped,
        databases,
        volumes,
      });
    default:
      throw new Error(`step ${step} has no Job`);
  }
}
