/** What a restore has to have and what a run: each is refused for its own needs, and for no others. */
import { describe, expect, test } from "@jest/globals";
import type { Autoscaler, Claim } from "../../../operator/api/kinds.ts";
import { type Candidate, checkCandidate } from "../../../operator/decide/checks.ts";
import { earliest } from "../../../operator/decide/decision.ts";
import { aClaim, aPod, aPolicy, aRun, aWorkload, anApp, anAutoscaler } from "../../support/builders.ts";
import { aCandidate } from "../../support/candidate.ts";

const only = (...claims: readonly Claim[]): Candidate["app"]["claims"] =>
  new Map(claims.map((claim) => [claim.metadata.name, claim]));
const [store, vault, uploads] = [aClaim("shop-backups"), aClaim("vault"), aClaim("shop-uploads")];
const stranger = aPod("cron").meta({ labels: {} }).mounting("shop-uploads").build();
const owned = (...kinds: readonly string[]): Autoscaler => {
  const plain = anAutoscaler("shop", 1);
  const ownerReferences = kinds.map((kind) => ({ apiVersion: "x/v1", kind, name: "x", uid: kind }));
  return { ...plain, metadata: { ...plain.metadata, ownerReferences } };
};

const alone = anApp({
  claims: only(store, vault, { ...uploads, spec: { ...uploads.spec, accessModes: ["ReadWriteOncePod"] } }),
});
/** One that rests at zero, with conditions that are true. */
const scaled = (...types: readonly string[]): Autoscaler => ({
  ...anAutoscaler("shop", 1),
  status: { conditions: types.map((type) => ({ type, status: "True" })) },
});

interface Case {
  readonly name: string;
  readonly seen: Partial<Candidate>;
  readonly code?: string;
  readonly says?: string;
}

describe("a restore", () => {
  const from = (location: string): NonNullable<Candidate["asked"]> => ({ from: { latest: true, location } });
  const cases: readonly Case[] = [
    { name: "of a healthy app", seen: {} },
    {
      name: "of an app that is in a rollout",
      seen: { app: anApp({ workloads: [aWorkload().replicas(2).meta({ generation: 5 }).build()] }) },
    },
    { name: "of an app that is gone", seen: { app: anApp({ workloads: [] }) } },
    {
      name: "of an app that is gone, and a pod at its claim",
      seen: { app: anApp({ workloads: [], pods: [aPod().mounting("shop-uploads").build()] }) },
      code: "HO-S206",
    },
    { name: "without the source, but with a sink", seen: { app: anApp({ claims: only(vault, uploads) }) } },
    { name: "without the sink, but with the source", seen: { app: anApp({ claims: only(store, uploads) }) } },
    {
      name: "without any location",
      seen: { app: anApp({ claims: only(uploads) }) },
      code: "HO-P102",
      says: "PersistentVolumeClaim shop-backups does not exist, PersistentVolumeClaim vault does not exist",
    },
    {
      name: "whose locations have lost their volumes",
      seen: { app: anApp({ claims: only(aClaim("shop-backups", "Lost"), aClaim("vault", "Lost"), uploads) }) },
      code: "HO-P103",
    },
    {
      name: "from a location that is gone, while another is there",
      seen: { asked: from("vault"), app: anApp({ claims: only(store, uploads) }) },
      code: "HO-P102",
      says: "vault",
    },
    { name: "from a location that the policy does not have", seen: { asked: from("moon") }, code: "HO-P102" },
    {
      name: "without the volume to restore to",
      seen: { app: anApp({ claims: only(store, vault) }) },
      code: "HO-P102",
      says: "shop-uploads",
    },
    {
      name: "of databases alone, without a volume",
      seen: {
        asked: { from: { latest: true }, include: { volumes: [], databases: ["shop"] } },
        app: anApp({ claims: only(store, vault) }),
      },
    },
    {
      name: "of a volume that is named and not there",
      seen: {
        asked: { from: { latest: true }, include: { volumes: ["uploads"] } },
        app: anApp({ claims: only(store, vault) }),
      },
      code: "HO-P102",
      says: "shop-uploads",
    },
    { name: "to a volume that no second pod can mount", seen: { app: alone }, code: "HO-P115" },
    {
      name: "to such a volume that is named",
      seen: { asked: { from: { latest: true }, include: { volumes: ["uploads"] } }, app: alone },
      code: "HO-P115",
    },
    {
      name: "of databases alone, beside such a volume",
      seen: { asked: { from: { latest: true }, include: { databases: ["shop"] } }, app: alone },
    },
    {
      name: "of an app that is being deleted",
      seen: { app: anApp({ workloads: [aWorkload().deleting().build()] }) },
      code: "HO-S201",
      says: "Deployment shop is being deleted",
    },
    {
      name: "of a policy without volumes",
      seen: { policy: { ...aPolicy().build(), spec: withoutVolumes() } },
    },
  ];
  test.each(cases)("$name: $code", ({ seen, code, says }) => {
    const refusal = checkCandidate({ ...aCandidate, type: "Restore", asked: { from: { latest: true } }, ...seen });
    expect(refusal?.code).toBe(code);
    expect(refusal?.message ?? "").toContain(says ?? "");
  });
});

function withoutVolumes(): NonNullable<Candidate["policy"]>["spec"] {
  const { volumes: _volumes, ...rest } = aPolicy().build().spec;
  return rest;
}

describe("a run", () => {
  const two = aPolicy().spec({
    volumes: ["uploads", "mail"].map((name) => ({
      name,
      claimName: `shop-${name}`,
      class: "Data",
      paths: ["."],
      exclude: [],
    })),
  });
  const { status: _status, ...unknown } = uploads;
  const cases: readonly Case[] = [
    { name: "of volumes needs no database", seen: { policy: aPolicy().spec({ databases: [] }).build() } },
    { name: "of a policy without volumes", seen: { policy: { ...aPolicy().build(), spec: withoutVolumes() } } },
    {
      name: "is not held up by a younger one, whatever their uids",
      seen: { uid: "z", runs: [aRun("a").created("2026-11-21T01:00:01Z").build()] },
    },
    {
      name: "at a claim of which nothing is known yet",
      seen: { app: anApp({ claims: only(store, vault, unknown) }) },
      code: "HO-P103",
    },
    {
      name: "of two volumes, one of which is not bound",
      seen: {
        policy: two.build(),
        app: anApp({ claims: only(store, vault, uploads, aClaim("shop-mail", "Pending")) }),
      },
      code: "HO-P103",
      says: "shop-mail",
    },
    {
      name: "beside an autoscaler of something else of the same name",
      seen: {
        app: anApp({
          autoscalers: [
            {
              ...anAutoscaler("shop", 0),
              spec: { scaleTargetRef: { kind: "StatefulSet", name: "shop" }, minReplicas: 0 },
            },
          ],
        }),
      },
    },
    {
      name: "beside two autoscalers, the second of which starts it from zero",
      seen: { app: anApp({ autoscalers: [anAutoscaler("shop", 1), anAutoscaler("shop", 0)] }) },
      code: "HO-S205",
    },
    {
      name: "beside an autoscaler that has brought it to zero and says more of itself",
      seen: { app: anApp({ autoscalers: [scaled("ScalingActive", "ScaledToZero")] }) },
      code: "HO-S205",
    },
    {
      name: "beside an autoscaler that says something else of itself",
      seen: { app: anApp({ autoscalers: [scaled("ScalingActive")] }) },
    },
    { name: "beside an autoscaler of an operator", seen: { app: anApp({ autoscalers: [owned("Zoo")] }) } },
    {
      name: "beside an autoscaler of KEDA and another",
      seen: { app: anApp({ autoscalers: [owned("Zoo", "ScaledObject")] }) },
      code: "HO-S205",
    },
    { name: "that stops nothing, beside a stranger", seen: { stops: false, app: anApp({ pods: [stranger] }) } },
    {
      name: "of two workloads, beside a pod of the second",
      seen: {
        policy: aPolicy().workloads({ kind: "Deployment", name: "web" }, { kind: "Deployment", name: "shop" }).build(),
        app: anApp({
          workloads: [aWorkload("web").build(), aWorkload().build()],
          pods: [aPod().mounting("shop-uploads").build()],
        }),
      },
    },
  ];
  test.each(cases)("$name: $code", ({ seen, code, says }) => {
    const refusal = checkCandidate({ ...aCandidate, ...seen });
    expect(refusal?.code).toBe(code);
    expect(refusal?.message ?? "").toContain(says ?? "");
  });
});

test.each<[string, readonly (number | undefined)[], number | undefined]>([
  ["nobody waits", [], undefined],
  ["nobody knows", [undefined, undefined], undefined],
  ["the shortest counts", [30, undefined, 10, 20], 10],
  ["what is past is now", [-5, 20], 0],
])("the next look, when %s", (_, waits, expected) => {
  expect(earliest(...waits)).toBe(expected);
});
