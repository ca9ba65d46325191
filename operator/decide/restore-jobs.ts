/** The Jobs of a restore: which tasks, which claims, how long. */
import type { Claim, PolicySpec, RestoreSpec } from "../api/kinds.ts";
import type { ResultOf } from "../contract/result.ts";
import type { MoverTask } from "../contract/task.ts";
import type { JobManifest } from "./decision.ts";
import { type Mounts, buildJob } from "./job-spec.ts";
import { type Location, claimTrouble, locationsOf, readableLocations } from "./locations.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import {
  adoptionIn,
  databaseRefs,
  identitiesOf,
  locationRef,
  ownerOf,
  secretMounts,
  volumeMounts,
  volumeRefs,
} from "./run-jobs.ts";

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

const locationMounts = (locations: readonly Location[]): Pick<Mounts, "store" | "sinks"> => {
  const store = locations.find(({ name }) => name === "source");
  return {
    ...(store === undefined ? {} : { store: { claimName: store.claimName, readOnly: true } }),
    sinks: locations.filter(({ name }) => name !== "source").map((sink) => ({ ...sink, readOnly: true })),
  };
};

const whyUnreadable = ({ claimName }: Location, claims: ReadonlyMap<string, Claim>): string =>
  claimTrouble(claimName, claims)?.message ?? `PersistentVolumeClaim ${claimName} is not bound`;

/** Whether a request asks for a part of the policy: for all of them, unless it names some. */
export const isIncluded = (
  kind: "databases" | "volumes",
  name: string,
  { include }: Pick<RestoreSpec, "include">,
): boolean => include === undefined || include[kind]?.includes(name) === true;

/** Whether a part of the policy is restored: the plan is asked for what the request names, the steps after it do what was planned. */
const isMeant = (
  kind: "databases" | "volumes",
  name: string,
  request: RestoreSpec,
  plan: ResultOf<"plan"> | undefined,
): boolean => isIncluded(kind, name, request) && plan?.[kind]?.includes(name) !== false;

/** @param step name of the recorded step */
export function buildRestoreJob(step: string, jobName: string, context: RestoreJobContext): JobManifest {
  const { seen, policy, plan } = context;
  const { request } = seen;
  const databases = databaseRefs(policy).filter(({ name }) => isMeant("databases", name, request.spec, plan));
  const volumes = volumeRefs(policy.volumes ?? []).filter(({ name }) => isMeant("volumes", name, request.spec, plan));
  const uuids = identitiesOf(seen.policy?.status?.locations ?? []);
  const common = {
    version: 1 as const,
    namespace: request.metadata.namespace,
    policy: request.spec.policyName,
    policyUID: context.policyUID,
    run: request.metadata.name,
    runUID: request.metadata.uid,
  };
  const adoption = adoptionIn(seen.policy?.metadata.annotations);
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
    volumes: volumeMounts(policy.volumes ?? [], readOnly).filter(({ name }) =>
      volumes.some((volume) => volume.name === name),
    ),
    secrets: secretMounts(policy).filter(({ database }) => databases.some(({ name }) => name === database)),
  });

  switch (step) {
    case "Plan": {
      const asked = locationsOf(policy, request.spec.from.location);
      const readable = readableLocations(asked, seen.app.claims);
      return job(
        { ...locationMounts(readable), ...targets(true) },
        {
          ...common,
          step: "plan",
          ...adoption,
          from: { ...request.spec.from },
          databases,
          volumes,
          included: request.spec.include !== undefined,
          locations: readable.map(({ name }) => locationRef(name, uuids)),
          passedOver: asked
            .filter((location) => !readable.includes(location))
            .map((location) => `location ${location.name} is passed over: ${whyUnreadable(location, seen.app.claims)}`),
        },
      );
    }
    case "Stage": {
      const from = plan?.location ?? "source";
      return job(
        { ...locationMounts(locationsOf(policy, from)), ...targets(false) },
        {
          ...common,
          step: "stage",
          ...adoption,
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
