/** Which pods belong to a workload, and which of them still may touch its data. */
import { describe, expect, test } from "@jest/globals";
import type { HeldWorkload, Pod, Workload } from "../../../operator/api/kinds.ts";
import { type AppObservation, matchesSelector, runningPods } from "../../../operator/decide/app.ts";
import { aPod, aWorkload, anApp } from "../../support/builders.ts";

const held: readonly HeldWorkload[] = [{ kind: "Deployment", name: "shop", uid: "shop-uid", replicas: 3 }];
const claims = new Set(["shop-uploads"]);
const seen = (...pods: readonly Pod[]): AppObservation =>
  anApp({ workloads: [aWorkload().replicas(0).meta({ generation: 2 }).build()], pods });

describe("pods of a workload", () => {
  const expression = (key: string, operator: string, ...values: readonly string[]): Workload =>
    aWorkload()
      .spec({ selector: { matchExpressions: [{ key, operator, values }] } })
      .build();
  test.each<{ name: string; workload: Workload; matches: boolean }>([
    { name: "labels", workload: aWorkload().build(), matches: true },
    { name: "other labels", workload: aWorkload("blog").build(), matches: false },
    { name: "an empty selector matches nothing", workload: aWorkload().spec({ selector: {} }).build(), matches: false },
    { name: "In", workload: expression("app", "In", "blog", "shop"), matches: true },
    { name: "In, missing", workload: expression("tier", "In", "web"), matches: false },
    { name: "NotIn", workload: expression("app", "NotIn", "shop"), matches: false },
    { name: "NotIn, missing", workload: expression("tier", "NotIn", "web"), matches: true },
    { name: "Exists", workload: expression("app", "Exists"), matches: true },
    { name: "DoesNotExist", workload: expression("app", "DoesNotExist"), matches: false },
  ])("$name", ({ workload, matches }) => {
    expect(matchesSelector(aPod().build(), workload)).toBe(matches);
  });

  test("a pod on a node that does not answer still runs", () => {
    const lost = aPod().deleting().build();
    expect(runningPods(seen(lost), held, claims)).toEqual([lost]);
  });
  test("a pod with one container left still runs", () => {
    const half = aPod().ended({ name: "app", exitCode: 0 }).build();
    const two = {
      ...half,
      spec: { containers: [{ name: "app" }, { name: "sidecar" }] },
      status: { ...half.status, phase: "Running" },
    };
    expect(runningPods(seen(two), held, claims)).toEqual([two]);
  });
  test("a sidecar that ends after the others still runs", () => {
    const sidecar = aPod().ended({ name: "app", exitCode: 0 }).build();
    const status = {
      ...sidecar.status,
      phase: "Running",
      initContainerStatuses: [{ name: "log", state: { running: {} } }],
    };
    expect(runningPods(seen({ ...sidecar, status }), held, claims).length).toBe(1);
  });
});
