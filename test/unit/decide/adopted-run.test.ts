/** A run that was made of a generation: what of the listing it takes on record, and when it is not believed. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy, RunStatus } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import type { CatalogueEntry } from "../../../operator/contract/result.ts";
import { decideAdopted, isAdopted } from "../../../operator/decide/adopted-run.ts";
import type { RunDecision, RunObservation } from "../../../operator/decide/run-observation.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { aPolicy, aRun, anApp, at, settings, sink } from "../../support/builders.ts";
import { entry, idOf, listed, listing, page } from "./adoption-listings.ts";

const id = idOf(3);
const seenWith = (policy: BackupPolicy | undefined, says: string): RunObservation => ({
  run: aRun("shop-000003").annotated(annotations.adopted, says).meta({ generation: 4 }).build(),
  policy,
  siblings: [],
  restores: [],
  app: anApp(),
  jobs: new Map(),
  settings,
});
const listingAt = (location: string, ...entries: readonly CatalogueEntry[]): BackupPolicy =>
  aPolicy()
    .sinks(sink("vault"), sink("attic"), sink("offsite", { required: false }))
    .status({ adoption: listing({ location, request: location, step: listed(page(entries)) }) })
    .build();
const decide = (change: Partial<CatalogueEntry> = {}, location = "vault", policy?: BackupPolicy): RunDecision =>
  decideAdopted(seenWith(policy ?? listingAt(location, entry(2), entry(3, change)), `${location}/${id}`), at("02:00"));

describe("what it is worth", () => {
  test("is what the listing says of its generation", () => {
    const { status, actions, events } = decide();
    const { type, sealedAt, consistency, parent, bytes, storedBytes, files, tables, manifestSHA256 } = entry(3);
    expect(status).toMatchObject({ policyUID: "shop-policy-uid", seq: 3, steps: [], result: "AtRisk" });
    expect(status.generation).toEqual({
      id,
      type,
      sealedAt,
      consistency,
      parent,
      bytes,
      storedBytes,
      files,
      tables,
      manifestSHA256,
    });
    expect(status.conditions).toContainEqual(
      expect.objectContaining({ type: "Adopted", status: "True", reason: "Adopted", observedGeneration: 4 }),
    );
    expect([actions, events]).toEqual([[], []]);
  });
  test.each<[string, Partial<CatalogueEntry>, readonly string[]]>([
    ["vault", {}, ["vault Verified true", "attic Missing true"]],
    ["vault", { verified: false }, ["vault Stored true", "attic Missing true"]],
    ["offsite", {}, ["offsite Verified false", "vault Missing true", "attic Missing true"]],
    ["former", {}, ["former Verified false", "vault Missing true", "attic Missing true"]],
    ["source", {}, ["source Verified true", "vault Missing true", "attic Missing true"]],
  ])(
    "at %s, %j: copies are where they were seen, and each required one is missing until a run has checked it",
    (location, change, copies) => {
      const { status } = decide(change, location);
      expect(status.copies?.map((copy) => `${copy.location} ${copy.state} ${copy.required}`)).toEqual(copies);
      expect(status.copies?.map(({ time }) => time)).toEqual([
        "2026-11-21T02:00:00.000Z",
        ...copies.slice(1).map(() => undefined),
      ]);
    },
  );
  test("it is complete when all that is required was seen", () => {
    const policy = aPolicy()
      .status({ adoption: listing({ step: listed(page([entry(3)])) }) })
      .build();
    expect(decide({}, "vault", policy).status).toMatchObject({ result: "Complete", phase: "Done" });
  });
  test("it counts among the runs of the policy object that made it, where that is another", () => {
    expect(decide({ policyUID: "former-uid" }).status.policyUID).toBe("former-uid");
  });

  const wide = aPolicy()
    .spec({
      databases: ["shop", "new"].map((name) => ({ ...aPolicy().build().spec.databases![0]!, name })),
      volumes: [
        { name: "uploads", claimName: "shop-uploads", class: "Data" as const, paths: ["."], exclude: [] },
        { name: "uploads", claimName: "moved", class: "Data" as const, paths: ["."], exclude: [] },
        { name: "cache", claimName: "shop-uploads", class: "Data" as const, paths: ["."], exclude: [] },
      ],
    })
    .status({ adoption: listing({ step: listed(page([entry(3)])) }) })
    .build();
  const parts = ({ status }: RunDecision): unknown => [
    status.policy?.databases?.map(({ name }) => name),
    status.policy?.volumes?.map(({ name, claimName }) => `${name} ${claimName}`),
  ];
  test("never more than the generation has, whatever the policy asks for by now", () => {
    expect(parts(decide({}, "vault", wide))).toEqual([["shop"], ["uploads shop-uploads"]]);
  });
  test("nothing where the listing does not say what it has, or the policy asks for nothing", () => {
    const { holds: _holds, ...unknown } = entry(3);
    const policy = { ...wide, status: { adoption: listing({ step: listed(page([unknown])) }) } };
    expect(parts(decide({}, "vault", policy))).toEqual([[], []]);
    const { databases: _databases, volumes: _volumes, ...spec } = wide.spec;
    expect(parts(decide({}, "vault", { ...wide, spec }))).toEqual([[], []]);
  });
});

describe("it is not believed", () => {
  test("without the annotation", () => {
    const seen = { ...seenWith(listingAt("vault", entry(3)), ""), run: aRun().build() };
    expect(decideAdopted(seen, at("02:00")).status).toMatchObject({ result: "Failed", code: "HO-K705" });
  });
  test.each<[string, BackupPolicy | undefined, string, string]>([
    ["without its policy", undefined, `vault/${id}`, `has ${id} at vault`],
    ["when nothing was listed", aPolicy().build(), `vault/${id}`, `has ${id} at vault`],
    ["when another location was listed", listingAt("attic", entry(3)), `vault/${id}`, `has ${id} at vault`],
    ["when the listing does not have it", listingAt("vault", entry(2)), `vault/${id}`, `has ${id} at vault`],
    ["when the page is forgotten", aPolicy().status({ adoption: listing() }).build(), `vault/${id}`, "no listing"],
    ["when it names a location alone", listingAt("vault", entry(3)), "vault", "has it at vault"],
    ["when it names nothing", listingAt("vault", entry(3)), "", "no listing on record has it at "],
  ])("%s", (_name, policy, says, message) => {
    const { status, actions } = decideAdopted(seenWith(policy, says), at("02:00"));
    expect(status).toMatchObject({ result: "Failed", code: "HO-K705" });
    expect(status.steps).toEqual([
      expect.objectContaining({ name: "Accept", state: "Failed", message: expect.stringContaining(message) }),
    ]);
    expect(status.generation).toBeUndefined();
    expect(actions).toEqual([]);
  });
  test("and what somebody has typed is cut to the room of a message", () => {
    const { status } = decideAdopted(seenWith(undefined, `${"v".repeat(300)}/${"1".repeat(300)}`), at("02:00"));
    expect(status.steps?.[0]?.message).toBe(`no listing on record has ${"1".repeat(64)} at ${"v".repeat(32)}`);
  });
});

describe("whether a run was made of a generation", () => {
  const run = (status?: RunStatus): RunObservation => {
    const seen = seenWith(listingAt("vault", entry(3)), `vault/${id}`);
    return status === undefined ? seen : { ...seen, run: { ...seen.run, status } };
  };
  test("says its annotation alone", () => {
    expect(isAdopted(run())).toBe(true);
    expect(isAdopted({ run: aRun().build() })).toBe(false);
    expect(isAdopted({ run: aRun().annotated(annotations.hold, "forever").build() })).toBe(false);
  });
  test("is asked before it has begun; a run on its way goes on, whatever somebody annotates", () => {
    expect(decideRun(run(), at("02:00")).status.generation?.id).toBe(id);
    const accepted = decideRun({ ...run(), run: aRun().build(), policy: aPolicy().build() }, at("01:00")).status;
    const later = decideRun(run(accepted), at("02:00"));
    expect(later.status.generation).toBeUndefined();
    expect(later.status.steps?.map(({ name }) => name)).toContain("Capture");
  });
});
