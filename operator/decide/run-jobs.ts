/** The Jobs of a backup run: which tasks, which claims, how long. */
import { type BackupRun, type OwnerReference, type PolicySpec, apiVersion, runs } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import type { ConfigRef, DatabaseRef, LocationRef, MoverTask, VolumeRef } from "../contract/task.ts";
import { formatGenerationId, holdsDatabases, holdsVolumes, needsBase } from "../domain/generation.ts";
import { baseOf, madeType } from "./base.ts";
import { capturedVolumes } from "./capture-scope.ts";
import type { JobManifest, Settings } from "./decision.ts";
import { type Mounts, buildJob } from "./job-spec.ts";
import { keepOf, tellPrune, tellTrash } from "./prune-task.ts";

export interface RunJobContext {
  readonly run: BackupRun;
  /** As it was accepted. */
  readonly policy: PolicySpec;
  readonly policyUID: string;
  /** Annotations of the policy as they are now: acknowledgements of its administrator. */
  readonly acknowledgements: Readonly<Record<string, string>>;
  /** Identities of store and sinks as the policy saw them first. */
  readonly uuids: ReadonlyMap<string, string>;
  readonly sinks: PolicySpec["sinks"];
  /** Other runs of the policy, where the step has to know of them. */
  readonly siblings: readonly BackupRun[];
  readonly settings: Settings;
}

export const databaseRefs = (policy: PolicySpec): DatabaseRef[] =>
  (policy.databases ?? []).map(({ name, postgres, release }) => ({
    name,
    host: postgres.host,
    port: postgres.port,
    database: postgres.database,
    secret: postgres.secretRef.name,
    release,
  }));

type Volumes = NonNullable<PolicySpec["volumes"]>;

export const volumeRefs = (volumes: Volumes): VolumeRef[] =>
  volumes.map(({ name, claimName, paths, exclude }) => ({
    name,
    claimName,
    paths: [...paths],
    exclude: [...exclude],
  }));

const configRefs = ({ config }: PolicySpec): ConfigRef[] => [
  ...(config?.configMaps ?? []).map(({ name }) => ({ kind: "ConfigMap" as const, name })),
  ...(config?.secrets ?? []).map(({ name, keys }) => ({ kind: "Secret" as const, name, keys: [...keys] })),
];

/** The identities of places, by name; of a place that is told of twice, the last one. */
export const identitiesOf = (
  locations: readonly { readonly name: string; readonly uuid?: string }[],
): ReadonlyMap<string, string> =>
  new Map(locations.flatMap(({ name, uuid }) => (uuid === undefined ? [] : [[name, uuid] as const])));

export const locationRef = (name: string, uuids: ReadonlyMap<string, string>): LocationRef => {
  const uuid = uuids.get(name);
  return uuid === undefined ? { name } : { name, uuid };
};

/** UID of a former policy whose lineage an administrator has said is this one's, from the annotations of the policy. */
export const adoptionIn = (acknowledgements: Readonly<Record<string, string>> = {}): { readonly adopt?: string } => {
  const adopt = acknowledgements[annotations.adoptLineage];
  return adopt === undefined ? {} : { adopt };
};

export const ownerOf = (kind: string, metadata: { readonly name: string; readonly uid: string }): OwnerReference => ({
  apiVersion: apiVersion(runs),
  kind,
  name: metadata.name,
  uid: metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

const seconds = {
  preflight: 900,
  warm: 86_400,
  seal: 86_400,
  transport: 86_400,
  verify: 86_400,
  prune: 7_200,
  dump: 86_400,
};

const store = (policy: PolicySpec, readOnly: boolean): Pick<Required<Mounts>, "store"> => ({
  store: { claimName: policy.store.claimName, readOnly },
});
const sinkMounts = (sinks: PolicySpec["sinks"], readOnly: boolean): NonNullable<Mounts["sinks"]> =>
  sinks.map((sink) => ({ name: sink.name, claimName: sink.claim.claimName, readOnly }));
export const volumeMounts = (volumes: Volumes, readOnly: boolean): NonNullable<Mounts["volumes"]> =>
  volumes.map(({ name, claimName }) => ({ name, claimName, readOnly }));
export const secretMounts = (policy: PolicySpec): NonNullable<Mounts["secrets"]> =>
  (policy.databases ?? []).map(({ name, postgres }) => ({ database: name, secretName: postgres.secretRef.name }));

/** The moment that the state of a run is of: nothing of the app ran any more. */
const timeOf = ({ metadata, status }: BackupRun): string =>
  status?.times?.goneAt ?? status?.times?.releasedAt ?? metadata.creationTimestamp ?? "";

/** The id of the generation that the run makes, out of what is on record when it is captured; the seal has to name the same. */
export const generationIdOf = (run: BackupRun): string =>
  formatGenerationId(run.status?.seq ?? 1, timeOf(run), madeType(run));

/** @param step name of the recorded step, with its sink after a slash. */
export function buildRunJob(step: string, name: string, context: RunJobContext): JobManifest {
  const { run, policy, uuids } = context;
  const [kind = "", sinkName = ""] = step.split("/");
  const common = {
    version: 1 as const,
    namespace: run.metadata.namespace,
    policy: run.spec.policyName,
    policyUID: context.policyUID,
    run: run.metadata.name,
    runUID: run.metadata.uid,
  };
  const seq = run.status?.seq ?? 1;
  const full = holdsVolumes(run.spec.type);
  const base = baseOf(run);
  const based = base === undefined ? {} : { base };
  const databases = holdsDatabases(run.spec.type) ? databaseRefs(policy) : [];
  const secrets = holdsDatabases(run.spec.type) ? secretMounts(policy) : [];
  const configs = run.spec.type === "Config" ? configRefs(policy) : [];
  const captured = capturedVolumes(run.spec.type, policy);
  const volumes = volumeRefs(captured);
  const sink = policy.sinks.find((candidate) => candidate.name === sinkName);
  const sinkOnly = sink === undefined ? [] : [sink];
  const job = (deadlineSeconds: number, mounts: Mounts, ...tasks: readonly MoverTask[]): JobManifest =>
    buildJob({
      name,
      namespace: run.metadata.namespace,
      owner: ownerOf("BackupRun", run.metadata),
      policy: run.spec.policyName,
      step,
      deadlineSeconds,
      tasks,
      mounts,
      mover: policy.mover,
      settings: context.settings,
    });

  switch (kind) {
    case "Preflight": {
      const acceptEmpty =
        context.acknowledgements[annotations.acceptEmpty]?.split(",").map((part) => part.trim()) ?? [];
      return job(
        seconds.preflight,
        {
          ...store(policy, false),
          sinks: sinkMounts(context.sinks, false),
          secrets,
          volumes: volumeMounts(captured, true),
        },
        {
          ...common,
          step: "preflight",
          type: run.spec.type,
          databases,
          volumes,
          store: locationRef("source", uuids),
          sinks: context.sinks.map(({ name: of }) => locationRef(of, uuids)),
          ...(needsBase(run.spec.type) ? { maxChain: policy.maxChain } : {}),
          ...adoptionIn(context.acknowledgements),
          ...(acceptEmpty.length === 0 ? {} : { acceptEmpty }),
          trash: tellTrash(context),
        },
      );
    }
    case "Warm":
      return job(
        seconds.warm,
        { ...store(policy, false), volumes: volumeMounts(captured, true) },
        { ...common, step: "warm", seq, volumes, ...based },
      );
    case "Capture": {
      const frozen = full && policy.app.quiesce === "ScaleToZero";
      const parts: ("dump" | "archive")[] = [
        ...(databases.length > 0 ? (["dump"] as const) : []),
        ...(volumes.length > 0 ? (["archive"] as const) : []),
      ];
      return job(
        seconds.dump,
        { ...store(policy, false), secrets, configs, volumes: volumeMounts(captured, true) },
        ...(databases.length > 0 ? [{ ...common, step: "dump" as const, seq, databases }] : []),
        ...(full && volumes.length > 0
          ? [{ ...common, step: "archive" as const, seq, volumes, frozen, ...based }]
          : []),
        ...(run.spec.type === "Config" ? [{ ...common, step: "collect" as const, seq, configs, volumes }] : []),
        ...(frozen ? [{ ...common, step: "release" as const, parts }] : []),
      );
    }
    case "Seal":
      return job(seconds.seal, store(policy, false), {
        ...common,
        step: "seal",
        seq,
        id: generationIdOf(run),
        type: madeType(run),
        ...based,
        consistency: full && policy.app.quiesce === "ScaleToZero" ? "Quiesced" : "Running",
        time: timeOf(run),
        stagingPodUID: run.status?.capturePodUID ?? "",
        workloads: (run.status?.workloads ?? []).map((workload) => ({ ...workload })),
        databases,
        volumes,
        ...(configs.length > 0 ? { configs } : {}),
      });
    case "Transport":
      return job(
        seconds.transport,
        { ...store(policy, true), sinks: sinkMounts(sinkOnly, false) },
        { ...common, step: "transport", seq, sink: locationRef(sinkName, uuids) },
      );
    case "Verify":
      return job(
        seconds.verify,
        { sinks: sinkMounts(sinkOnly, false) },
        { ...common, step: "verify", sink: locationRef(sinkName, uuids), mode: sink?.verify ?? "Full" },
      );
    case "Prune": {
      const atSource = sinkName === "source";
      const keep = atSource ? policy.retention.source : (sink?.retention ?? policy.retention.sinks);
      const required = atSource ? policy.sinks.filter((candidate) => candidate.required) : [];
      return job(
        seconds.prune,
        atSource
          ? { ...store(policy, false), sinks: sinkMounts(required, true) }
          : { sinks: sinkMounts(sinkOnly, false) },
        {
          ...common,
          step: "prune",
          location: locationRef(sinkName, uuids),
          keep: keepOf(keep),
          verify: sink?.verify ?? "Full",
          requiredSinks: required.map(({ name: of, verify }) => ({ ...locationRef(of, uuids), verify })),
          ...tellPrune({ ...context, approved: run.status?.steps?.find((one) => one.name === step)?.approved }),
        },
      );
    }
    default:
      throw new Error(`step ${step} has no Job`);
  }
}
