/** The marks of tools that may start the app again, and what is told of them. */
import { describe, expect, test } from "@jest/globals";
import type { Metadata, Workload } from "../../../operator/api/kinds.ts";
import { trackerEvents, trackerOf, warnOfTrackers } from "../../../operator/decide/gitops.ts";
import { aPolicy, aWorkload, anApp } from "../../support/builders.ts";

const shop = { kind: "Deployment", name: "shop" } as const;
const argo = { annotations: { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/shop" } };
const flux = (group: "kustomize" | "helm", annotations: Readonly<Record<string, string>> = {}): Partial<Metadata> => ({
  labels: { [`${group}.toolkit.fluxcd.io/name`]: "apps", [`${group}.toolkit.fluxcd.io/namespace`]: "flux-system" },
  annotations,
});

describe("who applies a workload", () => {
  const rules = '[{"paths":["/spec/replicas"],"target":{"kind":"Deployment","name":"shop"}}]';
  test.each<{ name: string; meta: Partial<Metadata>; says: string | undefined }>([
    { name: "nobody", meta: {}, says: undefined },
    {
      name: "Argo CD",
      meta: argo,
      says: `Argo CD: add to Application web '{"spec":{"ignoreDifferences":[{"group":"apps","kind":"Deployment","name":"shop","managedFieldsManagers":["handover"]}],"syncPolicy":{"syncOptions":["RespectIgnoreDifferences=true"]}}}'`,
    },
    {
      name: "nobody: the mark was copied from another object",
      meta: { annotations: { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/other" } },
      says: undefined,
    },
    {
      name: "a Kustomization of Flux",
      meta: flux("kustomize"),
      says: `Flux: leave spec.replicas out of the manifest, or add to Kustomization flux-system/apps '{"spec":{"ignore":${rules}}}'`,
    },
    {
      name: "nobody: Flux does not look",
      meta: flux("kustomize", { "kustomize.toolkit.fluxcd.io/reconcile": "disabled" }),
      says: undefined,
    },
    {
      name: "nobody: Flux has made it only",
      meta: flux("kustomize", { "kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent" }),
      says: undefined,
    },
    {
      name: "a HelmRelease of Flux",
      meta: flux("helm"),
      says: `Flux: add to HelmRelease flux-system/apps '{"spec":{"driftDetection":{"ignore":${rules}}}}'`,
    },
    {
      name: "nobody: drift is not corrected",
      meta: flux("helm", { "helm.toolkit.fluxcd.io/driftDetection": "disabled" }),
      says: undefined,
    },
  ])("$name", ({ meta, says }) => {
    expect(trackerOf(shop, aWorkload().meta(meta).build())).toBe(says);
  });
});

describe("what is told of it", () => {
  const of = (...workloads: readonly Workload[]): readonly string[] =>
    warnOfTrackers(anApp({ workloads }), aPolicy().build().spec);
  test("that it may start the app again, in an event", () => {
    const warnings = of(aWorkload().meta(argo).build());
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("Deployment shop may be started again while it is stopped, by Argo CD: add to");
    expect(trackerEvents(warnings)).toEqual([{ type: "Warning", reason: "GitOpsReverts", message: warnings[0] }]);
  });
  test("nothing of a workload that nobody applies, or that is not there", () => {
    expect(of(aWorkload().build())).toEqual([]);
    expect(of()).toEqual([]);
  });
});
