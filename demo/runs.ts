/** Runs and restores of the demo, started and read the way a user does it. */
import { type Body } from "../test/support/api.ts";
import { type Stage, hasCondition, waitFor } from "./stage.ts";

export interface RunBody extends Body {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
    readonly result: string;
    readonly app: string;
    readonly downtime?: string;
    readonly times?: Readonly<
      Record<"stopAt" | "goneAt" | "releasedAt" | "givenBackAt" | "readyAt", string | undefined>
    >;
    readonly generation?: {
      readonly id: string;
      readonly bytes: number;
      readonly storedBytes: number;
      readonly files: number;
      readonly tables: number;
    };
    readonly steps: readonly {
      readonly name: string;
      readonly startedAt?: string;
      readonly finishedAt?: string;
      readonly message?: string;
      readonly result?: { readonly of: readonly Readonly<Record<string, unknown>>[] };
    }[];
    readonly advice?: string;
  };
}

const group = "/apis/backup.handover.dev/v1alpha1";
export const pathOf = (plural: string, namespace: string, name: string): string =>
  `${group}/namespaces/${namespace}/${plural}/${name}`;

/** Seconds between two moments on record. @throws when one of them is missing. */
export function secondsBetween(from: string | undefined, to: string | undefined): number {
  if (from === undefined || to === undefined) throw new Error("a moment is not on record");
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

export async function startRun(
  stage: Stage,
  name: string,
  spec: Readonly<Record<string, unknown>>,
  namespace = "demo",
): Promise<void> {
  await stage.apply(
    JSON.stringify({
      apiVersion: "backup.handover.dev/v1alpha1",
      kind: "BackupRun",
      metadata: { name, namespace },
      spec,
    }),
  );
}

export const finishedRun = (stage: Stage, name: string, namespace = "demo"): Promise<RunBody> =>
  waitFor<RunBody>(stage, pathOf("backupruns", namespace, name), `the end of run ${name}`, (run) =>
    hasCondition(run, "Finished"),
  );

export const finishedRestore = (stage: Stage, name: string, namespace = "demo"): Promise<RunBody> =>
  waitFor<RunBody>(stage, pathOf("restorerequests", namespace, name), `the end of restore ${name}`, (request) =>
    hasCondition(request, "Finished"),
  );

/** The largest memory that a mover of the run reports, in MiB. */
export const peakMiB = (run: RunBody): number =>
  Math.max(
    0,
    ...run.status.steps
      .flatMap((step) => step.result?.of ?? [])
      .map((result) => (typeof result["peakMiB"] === "number" ? result["peakMiB"] : 0)),
  );

/** The app stopped and started without any backup: what the downtime of a run is compared with. Seconds. */
export async function restartFloor(stage: Stage, namespace = "demo"): Promise<number> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/wiki`;
  const scale = (replicas: number): Promise<unknown> =>
    stage.api.call("PATCH", path, { spec: { replicas } }, "application/merge-patch+json");
  const pods = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dwiki`;
  const isDown = (body: Body): boolean =>
    (
      body["items"] as readonly { status: { containerStatuses?: readonly { state: { terminated?: object } }[] } }[]
    ).every(
      (pod) => pod.status.containerStatuses?.every((container) => container.state.terminated !== undefined) === true,
    );
  const begin = performance.now();
  await scale(0);
  await waitFor(stage, pods, "the end of the pods of the wiki", isDown, 2);
  await scale(1);
  await waitFor(
    stage,
    path,
    "a ready wiki",
    (body) => (body.status as { readyReplicas?: number }).readyReplicas === 1,
    5,
  );
  return (performance.now() - begin) / 1000;
}
