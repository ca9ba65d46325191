/**
 * Tools that keep workloads as they are in Git, and may start an app again that was stopped. Known by the marks that they leave on what they
 * apply; whether they are set to leave the replicas alone cannot be seen from there, so it is said how to do it.
 */
import type { HeldWorkload, PolicySpec, Workload } from "../api/kinds.ts";
import type { DomainEvent } from "./decision.ts";
import { type AppObservation, workloadKey } from "./app.ts";

type Target = Pick<HeldWorkload, "kind" | "name">;

const argoTracking = "argocd.argoproj.io/tracking-id";
const kustomize = "kustomize.toolkit.fluxcd.io";
const helm = "helm.toolkit.fluxcd.io";

const quote = (spec: object): string => `'${JSON.stringify({ spec })}'`;

/** @returns who applies the workload and what to set there, in one clause */
export function trackerOf({ kind, name }: Target, { metadata }: Workload): string | undefined {
  const { namespace, labels = {}, annotations = {} } = metadata;
  // `<application>:<group>/<kind>:<namespace>/<name>`; one that names another object was copied from there.
  const [application = "", , object] = (annotations[argoTracking] ?? "").split(":");
  if (object === `${namespace}/${name}`)
    return `Argo CD: add to Application ${application} ${quote({
      ignoreDifferences: [{ group: "apps", kind, name, managedFieldsManagers: ["handover"] }],
      syncPolicy: { syncOptions: ["RespectIgnoreDifferences=true"] },
    })}`;
  const rules = [{ paths: ["/spec/replicas"], target: { kind, name } }];
  const flux = (group: string): string => `${labels[`${group}/namespace`] ?? namespace}/${labels[`${group}/name`]}`;
  // It was told to leave the object alone.
  const isLeft =
    annotations[`${kustomize}/reconcile`] === "disabled" ||
    ["IfNotPresent", "Ignore"].includes(annotations[`${kustomize}/ssa`] ?? "");
  if (labels[`${kustomize}/name`] !== undefined && !isLeft)
    return `Flux: leave spec.replicas out of the manifest, or add to Kustomization ${flux(kustomize)} ${quote({ ignore: rules })}`;
  if (labels[`${helm}/name`] !== undefined && annotations[`${helm}/driftDetection`] !== "disabled")
    return `Flux: add to HelmRelease ${flux(helm)} ${quote({ driftDetection: { ignore: rules } })}`;
  return undefined;
}

/** Told once, when a run or a restore that will stop the app is accepted. */
export function warnOfTrackers(app: AppObservation, policy: PolicySpec): readonly string[] {
  return policy.app.workloads.flatMap((item) => {
    const workload = app.workloads.get(workloadKey(item));
    const tracker = workload === undefined ? undefined : trackerOf(item, workload);
    return tracker === undefined
      ? []
      : [`${item.kind} ${item.name} may be started again while it is stopped, by ${tracker}`];
  });
}

export const trackerEvents = (warnings: readonly string[]): readonly DomainEvent[] =>
  warnings.map((message) => ({ type: "Warning", reason: "GitOpsReverts", message }));
