/** Every refusal: what the namespace shows, and the code that follows; and which one wins when there are several. */
import { describe, expect, test } from "@jest/globals";
import type { Workload } from "../../../operator/api/kinds.ts";
import { type Candidate, checkCandidate } from "../../../operator/decide/checks.ts";
import { workloadKey } from "../../../operator/decide/app.ts";
import { aClaim, aPod, aPolicy, aRestore, aRun, aWorkload, anApp, anAutoscaler } from "../../support/builders.ts";
import { aCandidate } from "../../support/candidate.ts";

const claims = (...list: readonly ReturnType<typeof aClaim>[]): Map<string, ReturnType<typeof aClaim>> =>
  new Map([...anApp().claims, ...list.map((claim) => [claim.metadata.name, claim] as const)]);
const workload = (change: ReturnType<typeof aWorkload>): Pick<Candidate, "app"> => ({
  app: anApp({ workloads: [change.build()] }),
});
const statefulSet = (change: Partial<Workload["spec"]>): Pick<Candidate, "app" | "policy"> => ({
  policy: aPolicy().workloads({ kind: "StatefulSet", name: "db" }).build(),
  app: {
    ...anApp(),
    workloads: new Map([[workloadKey({ kind: "StatefulSet", name: "db" }), aWorkload("db").spec(change).build()]]),
  },
});
const hpa = (minReplicas?: number, scaledObject = false): Pick<Candidate, "app"> => ({
  app: anApp({ autoscalers: [anAutoscaler("shop", minReplicas, scaledObject)] }),
});
const pods = (...list: readonly ReturnType<typeof aPod>[]): Pick<Candidate, "app"> => ({
  app: anApp({ pods: list.map((pod) => pod.build()) }),
});
const older = "2026-11-21T00:59:59Z";
const younger = "2026-11-21T01:00:01Z";
const without = (...names: readonly string[]): Pick<Candidate, "app"> => ({
  app: anApp({ claims: new Map([...anApp().claims].filter(([key]) => !names.includes(key))) }),
});

interface Case {
  readonly name: string;
  readonly seen: Partial<Candidate>;
  readonly code?: string;
  readonly says?: string;
}
const cases: readonly Case[] = [
  { name: "a healthy app is accepted", seen: {} },
  { name: "no policy", seen: { policy: undefined }, code: "HO-P101", says: "shop" },
  { name: "a policy that is being deleted", seen: { policy: aPolicy().deleting().build() }, code: "HO-P101" },
  {
    name: "a run of databases without databases",
    seen: { type: "Database", stops: false, policy: aPolicy().spec({ databases: [] }).build() },
    code: "HO-P108",
  },
  {
    name: "a run of the configuration without one",
    seen: { type: "Config", stops: false },
    code: "HO-P108",
    says: "names no configuration",
  },
  {
    name: "a run of the configuration asks for no volume",
    seen: {
      type: "Config",
      stops: false,
      policy: aPolicy()
        .spec({ config: { configMaps: [{ name: "settings" }] } })
        .build(),
      ...without("shop-uploads"),
    },
  },
  ...(["Incremental", "Differential"] as const).flatMap((type): readonly Case[] => [
    {
      name: `a ${type} run without volumes`,
      seen: { type, policy: aPolicy().spec({ volumes: [] }).build() },
      code: "HO-P108",
      says: "use type Full or Database",
    },
    {
      name: `a ${type} run of volumes alone is accepted`,
      seen: { type, policy: aPolicy().spec({ databases: [] }).build() },
    },
  ]),
  { name: "a sink that the policy does not have", seen: { sinks: ["vault", "moon"] }, code: "HO-P112", says: "moon" },
  {
    name: "an accepted run that is active",
    seen: { runs: [aRun().created(younger).accepted().build()] },
    code: "HO-P109",
    says: "shop-1",
  },
  { name: "an older run that is not accepted yet", seen: { runs: [aRun().created(older).build()] }, code: "HO-P109" },
  { name: "a younger run that is not accepted yet does not count", seen: { runs: [aRun().created(younger).build()] } },
  {
    name: "of two runs of one second, the first uid goes on",
    seen: { uid: "z", runs: [aRun("a").build()] },
    code: "HO-P109",
  },
  { name: "of two runs of one second, the second uid does not count", seen: { uid: "a", runs: [aRun("z").build()] } },
  { name: "a finished run does not count", seen: { runs: [aRun().created(older).finished("Complete").build()] } },
  { name: "itself does not count", seen: { uid: "shop-1-uid", runs: [aRun().accepted().build()] } },
  { name: "an active restore", seen: { restores: [aRestore().accepted().build()] }, code: "HO-R806", says: "back" },
  { name: "a restore that only plans does not count", seen: { restores: [aRestore().accepted().planOnly().build()] } },
  {
    name: "a restore beside an active run",
    seen: { type: "Restore", runs: [aRun().accepted().build()] },
    code: "HO-R806",
  },
  { name: "no store", seen: without("shop-backups"), code: "HO-P102", says: "shop-backups" },
  { name: "no claim of a sink", seen: without("vault"), code: "HO-P102", says: "vault" },
  {
    name: "no claim of a sink that is not asked for",
    seen: {
      policy: aPolicy()
        .sinks(
          ...["vault", "offsite"].map((name) => ({
            ...aPolicy().build().spec.sinks[0]!,
            name,
            claim: { claimName: name },
          })),
        )
        .build(),
      app: anApp({ claims: new Map([...claims(aClaim("offsite"))].filter(([name]) => name !== "vault")) }),
      sinks: ["offsite"],
    },
  },
  { name: "no claim of a volume", seen: without("shop-uploads"), code: "HO-P102", says: "shop-uploads" },
  { name: "a run of databases needs no volume", seen: { ...without("shop-uploads"), type: "Database", stops: false } },
  {
    name: "a claim that is being deleted",
    seen: {
      app: anApp({
        claims: claims({ ...aClaim("vault"), metadata: { ...aClaim("vault").metadata, deletionTimestamp: older } }),
      }),
    },
    code: "HO-P102",
    says: "being deleted",
  },
  {
    name: "a claim that has lost its volume",
    seen: { app: anApp({ claims: claims(aClaim("vault", "Lost")) }) },
    code: "HO-P103",
  },
  {
    name: "a volume of the app that is not bound",
    seen: { app: anApp({ claims: claims(aClaim("shop-uploads", "Pending")) }) },
    code: "HO-P103",
  },
  {
    name: "a store that waits for its first pod is accepted",
    seen: { app: anApp({ claims: claims(aClaim("shop-backups", "Pending")) }) },
  },
  { name: "no workload", seen: { app: anApp({ workloads: [] }) }, code: "HO-S201", says: "Deployment shop" },
  {
    name: "a workload that is being deleted",
    seen: workload(aWorkload().deleting()),
    code: "HO-S201",
    says: "is being deleted",
  },
  {
    name: "a workload is not looked at when nothing is stopped",
    seen: { app: anApp({ workloads: [] }), stops: false },
  },
  {
    name: "a StatefulSet that deletes its claims",
    seen: statefulSet({ persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } }),
    code: "HO-S202",
  },
  {
    name: "a StatefulSet that keeps its claims is accepted",
    seen: statefulSet({ persistentVolumeClaimRetentionPolicy: { whenScaled: "Retain" } }),
  },
  {
    name: "a workload that something else controls",
    seen: workload(
      aWorkload().meta({
        ownerReferences: [{ apiVersion: "x/v1", kind: "Zoo", name: "z", uid: "z", controller: true }],
      }),
    ),
    code: "HO-S203",
    says: "Zoo z",
  },
  {
    name: "an owner that does not control is accepted",
    seen: workload(aWorkload().meta({ ownerReferences: [{ apiVersion: "x/v1", kind: "Zoo", name: "z", uid: "z" }] })),
  },
  {
    name: "a rollout that the controller has not seen yet",
    seen: workload(aWorkload().replicas(2).meta({ generation: 5 })),
    code: "HO-S204",
  },
  {
    name: "a rollout with old replicas left",
    seen: workload(
      aWorkload().replicas(2).status({ observedGeneration: 1, replicas: 3, updatedReplicas: 2, readyReplicas: 3 }),
    ),
    code: "HO-S204",
    says: "2 of 2 replicas are up to date, 3 exist",
  },
  {
    name: "a rollout with new replicas missing",
    seen: workload(aWorkload().replicas(2).status({ observedGeneration: 1, replicas: 2, updatedReplicas: 1 })),
    code: "HO-S204",
  },
  { name: "a workload without a status", seen: workload(aWorkload().status({})), code: "HO-S204" },
  { name: "a workload that is not ready is accepted", seen: workload(aWorkload().ready(0)) },
  {
    name: "a parked workload is accepted in any state",
    seen: workload(aWorkload().replicas(0).meta({ generation: 5 })),
  },
  { name: "an autoscaler that scales from zero", seen: hpa(0), code: "HO-S205", says: "shop-hpa" },
  {
    name: "an autoscaler that has brought it to zero, whatever its minimum is now",
    seen: {
      app: anApp({
        autoscalers: [
          { ...anAutoscaler("shop", 1), status: { conditions: [{ type: "ScaledToZero", status: "True" }] } },
        ],
      }),
    },
    code: "HO-S205",
  },
  {
    name: "an autoscaler that has not brought it to zero is accepted",
    seen: {
      app: anApp({
        autoscalers: [
          { ...anAutoscaler("shop", 1), status: { conditions: [{ type: "ScaledToZero", status: "False" }] } },
        ],
      }),
    },
  },
  {
    name: "an autoscaler of KEDA, with the annotation that lets it rest",
    seen: hpa(1, true),
    code: "HO-S205",
    says: 'ScaledObject x of KEDA may start Deployment shop from zero; it rests while it has the annotation autoscaling.keda.sh/paused: "true"',
  },
  { name: "a plain autoscaler, which rests at zero, is accepted", seen: hpa(2) },
  {
    name: "an autoscaler of something else is accepted",
    seen: { app: anApp({ autoscalers: [anAutoscaler("other", 0)] }) },
  },
  {
    name: "a foreign pod at a claim of the app",
    seen: pods(
      aPod("cron")
        .meta({ labels: { app: "cron" } })
        .mounting("shop-uploads"),
    ),
    code: "HO-S206",
    says: "cron",
  },
  { name: "a pod of the app is accepted", seen: pods(aPod().mounting("shop-uploads")) },
  {
    name: "a foreign pod that has ended is accepted",
    seen: pods(aPod("cron").meta({ labels: {} }).mounting("shop-uploads").ended({ name: "app", exitCode: 0 })),
  },
  {
    name: "a foreign pod at another claim is accepted",
    seen: pods(aPod("cron").meta({ labels: {} }).mounting("vault")),
  },
  {
    name: "a pod of ours is accepted",
    seen: pods(aPod("warm").meta({ labels: {} }).ofJob("warm", "run").mounting("shop-uploads")),
  },
];

describe("a run or restore is refused before anything is stopped", () => {
  test.each(cases)("$name", ({ seen, code, says }) => {
    const refusal = checkCandidate({ ...aCandidate, ...seen });
    expect(refusal?.code).toBe(code);
    expect(refusal?.message ?? "").toContain(says ?? "");
  });
});

test("the first refusal wins, in the order of the list", () => {
  const app = {
    ...statefulSet({ persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } }).app,
    claims: new Map(),
    pods: [aPod("cron").meta({ labels: {} }).mounting("shop-uploads").build()],
  };
  const policy = aPolicy().workloads({ kind: "StatefulSet", name: "db" });
  // Each time the first obstacle is taken away, the next one shows.
  const layers: readonly (readonly [string, Partial<Candidate>])[] = [
    ["HO-P101", { policy: undefined }],
    [
      "HO-P112",
      {
        policy: policy.build(),
        sinks: ["moon"],
        runs: [aRun().accepted().build()],
        restores: [aRestore().accepted().build()],
        app,
      },
    ],
    ["HO-P109", { sinks: [] }],
    ["HO-R806", { runs: [] }],
    ["HO-P102", { restores: [] }],
    ["HO-S202", { app: { ...app, claims: anApp().claims } }],
    ["HO-S206", { app: { ...app, claims: anApp().claims, workloads: statefulSet({}).app.workloads } }],
  ];
  let seen = aCandidate;
  for (const [code, change] of layers) {
    seen = { ...seen, ...change };
    expect(checkCandidate(seen)?.code).toBe(code);
  }
});
