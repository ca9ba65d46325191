/** The first pass over a run: what it is warned of, and what it is refused for. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy, RunStatus } from "../../../operator/api/kinds.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { aPolicy, aRun, aWorkload, anApp } from "../../support/builders.ts";
import { pass, stateOf } from "./run-passes.ts";

const tracked = anApp({
  workloads: [
    aWorkload()
      .meta({ annotations: { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/shop" } })
      .build(),
  ],
});
const reasons = ({ events }: RunDecision): readonly string[] => events.map(({ reason }) => reason);
const accepted = ({ status }: RunDecision): string => status.steps?.[0]?.message ?? "";

describe("of a tool that may start the app again", () => {
  const policy = aPolicy().build();
  test("a run that stops it warns, once", () => {
    const decision = pass(undefined, { policy, seen: tracked });
    expect(accepted(decision)).toMatch(/^policy generation 1; Deployment shop may be started again/);
    expect(reasons(decision)).toEqual(["GitOpsReverts"]);
    const again = pass(decision.status.steps, { policy, seen: tracked });
    expect(again.events).toEqual([]);
  });
  test.each<[string, ReturnType<typeof aRun>, BackupPolicy | undefined]>([
    ["that stops nothing", aRun().of("Database"), policy],
    ["of an app that runs on", aRun(), aPolicy().app({ quiesce: "None" }).build()],
    ["that is refused", aRun().spec({ sinks: ["other"] }), policy],
    ["without a policy", aRun(), undefined],
  ])("a run %s does not", (_name, run, of) => {
    const decision = pass(undefined, { run, policy: of, seen: tracked });
    expect(reasons(decision)).not.toContain("GitOpsReverts");
    expect(accepted(decision)).not.toContain("started again");
  });
  test("without such a tool there is nothing to warn of", () => {
    const decision = pass(undefined, { policy });
    expect([accepted(decision), reasons(decision)]).toEqual(["policy generation 1", []]);
  });
});

test("a run that is refused has nothing on record but why", () => {
  const { status, actions } = pass(undefined, { policy: aPolicy().build(), run: aRun().spec({ sinks: ["other"] }) });
  expect(status.steps).toMatchObject([{ name: "Accept", state: "Failed", code: "HO-P112" }]);
  const kept: readonly (keyof RunStatus)[] = ["policy", "workloads", "copies"];
  expect(kept.filter((key) => status[key] !== undefined)).toEqual([]);
  expect(actions).toEqual([]);
});

test("of two runs made at different times, the older one is accepted", () => {
  const policy = aPolicy().build();
  const mine = (created: string): RunDecision =>
    pass(undefined, {
      policy,
      run: aRun().created(created),
      siblings: [aRun("shop-2").created("2026-11-21T00:30:00Z").build()],
    });
  expect(stateOf(mine("2026-11-21T00:10:00Z"), "Accept")).toBe("Done");
  expect(mine("2026-11-21T00:50:00Z").status.code).toBe("HO-P109");
});
