/** What a pass decides: a status to record, then actions to carry out, then events to tell. Plain data, carried out elsewhere. */
import type { BackupRun, Metadata, Resource, StepRecord } from "../api/kinds.ts";

export interface JobManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<Metadata, "name" | "namespace"> & Partial<Metadata>;
  readonly spec: object;
}

/** An object that is created as it is. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: "ServiceAccount" | "Role" | "RoleBinding" | "Job";
  readonly metadata: Pick<Metadata, "name" | "namespace"> & Partial<Metadata>;
  readonly [field: string]: unknown;
}

export interface RecordManifest {
  readonly metadata: Pick<Metadata, "name" | "namespace"> & Partial<Metadata>;
  readonly spec: object;
}

/** Each can be repeated: names are deterministic, writes carry what was observed. */
export type Action =
  | { readonly do: "createJob"; readonly job: JobManifest; readonly ownerUID: string }
  | { readonly do: "deleteJob"; readonly name: string; readonly uid: string }
  | { readonly do: "createRecord"; readonly record: RecordManifest }
  | { readonly do: "updateRecord"; readonly record: RecordManifest }
  | { readonly do: "deleteRecord"; readonly name: string; readonly uid: string; readonly resourceVersion: string }
  | { readonly do: "createGuard"; readonly objects: readonly Manifest[] }
  /** With the observed resourceVersion of the workload: a count as precondition is blind to 3 -> 0 -> 3. */
  | {
      readonly do: "scale";
      readonly resource: Resource;
      readonly name: string;
      readonly replicas: number;
      readonly resourceVersion: string;
    }
  | {
      readonly do: "createRun";
      readonly name: string;
      readonly spec: object;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    }
  | { readonly do: "deleteRun"; readonly run: BackupRun }
  /** On the object of the pass, with the resourceVersion that its status was recorded with. */
  | { readonly do: "setFinalizers"; readonly finalizers: readonly string[] };

export interface DomainEvent {
  readonly type: "Normal" | "Warning";
  /** CamelCase, the same word as the reason of the condition. */
  readonly reason: string;
  readonly message: string;
}

export interface Decision<Status> {
  readonly status: Status;
  readonly actions: readonly Action[];
  readonly events: readonly DomainEvent[];
  /** Milliseconds until the next pass, when no event comes before. */
  readonly wakeAfter?: number | undefined;
}

/** What a pass over a run or a restore changes; local to one call of its decision. */
export interface Draft<Status> {
  status: Status;
  readonly steps: Map<string, StepRecord>;
  readonly actions: Action[];
  readonly waits: (number | undefined)[];
}

/** Facts about Handover itself that decisions need. */
export interface Settings {
  /** Image of the mover: the operator's own, so that both ends of the contract are of one version. */
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly imagePullSecrets: readonly string[];
}

export const earliest = (...waits: readonly (number | undefined)[]): number | undefined => {
  const set = waits.filter((wait) => wait !== undefined);
  return set.length === 0 ? undefined : Math.max(0, Math.min(...set));
};
