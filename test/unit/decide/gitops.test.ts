/** Tools that may start the app again: told of before, and named when they have. */
import { describe, expect, jest, test } from "@jest/globals";
import { type Metadata, deployments } from "../../../operator/api/kinds.ts";
import { trackerOf } from "../../../operator/decide/gitops.ts";
import { aRun, aWorkload } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

jest.setTimeout(120_000);

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

const warnings = ({ world }: Scenario): readonly string[] =>
  world.events.filter(({ reason }) => reason === "GitOpsReverts").map(({ message }) => message);
const tracked = (): Scenario => {
  const scenario = Scenario.run({ script: { jobTakes: 20_000, stopTakes: 5_000 } });
  scenario.world.meta(deployments, "shop", argo);
  return scenario;
};

test("it is told once, in an event and in the message of the acceptance", async () => {
  const scenario = await tracked().settle();
  expect(scenario.status).toMatchObject({ result: "Complete" });
  expect(warnings(scenario)).toEqual([
    expect.stringMatching(/^Deployment shop may be started again .* by Argo CD: add to /),
  ]);
  expect(scenario.step("Accept")?.message).toContain("Argo CD: add to Application web");
});
test("a restore tells it, too", async () => {
  const scenario = Scenario.restore();
  scenario.world.meta(deployments, "shop", argo);
  await scenario.settle();
  expect(warnings(scenario).length).toBe(1);
});
test("a run that stops nothing does not tell it", async () => {
  const scenario = Scenario.run({ run: aRun().of("Database").build() });
  scenario.world.meta(deployments, "shop", argo);
  await scenario.settle();
  expect(warnings(scenario)).toEqual([]);
});

test.each(["Quiesce", "Capture"])(
  "when the app is started during %s, the failure names the tool and what to set",
  async (phase) => {
    const scenario = tracked();
    await scenario.until(() => scenario.step(phase)?.state === "Running" && scenario.replicas() === 0);
    await scenario.until(() => scenario.status.times?.stopAt !== undefined);
    const begun = scenario.world.now;
    scenario.scaleByHand(3);
    await scenario.until(() => scenario.step(phase)?.state === "Failed");
    expect(scenario.world.now - begun).toBeLessThanOrEqual(1_000);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-S209", app: "Up" });
    expect(scenario.status.advice).toContain(
      "Deployment shop was scaled to 3, as it seems by Argo CD: add to Application web",
    );
    expect([scenario.replicas(), scenario.records]).toEqual([3, []]);
  },
);
test("a workload that nobody applies is not blamed on anybody", async () => {
  const scenario = Scenario.run({ script: { jobTakes: 20_000 } });
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  scenario.scaleByHand(5);
  await scenario.settle();
  expect(scenario.status.advice).toContain("HO-S209 Deployment shop was scaled to 5. App");
});
