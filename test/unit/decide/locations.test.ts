/** Where generations lie, and which of it can be mounted. */
import { describe, expect, test } from "@jest/globals";
import type { Claim } from "../../../operator/api/kinds.ts";
import { claimTrouble, locationsOf, readableLocations, volumeClaims } from "../../../operator/decide/locations.ts";
import { aClaim, aPolicy, sink } from "../../support/builders.ts";

const { spec } = aPolicy()
  .sinks(sink("vault"), sink("attic", { claim: { claimName: "attic-claim" } }))
  .build();
const bare = (name: string): Claim => ({ metadata: aClaim(name).metadata, spec: {} });
const going: Claim = {
  ...aClaim("vault"),
  metadata: { ...aClaim("vault").metadata, deletionTimestamp: "2026-11-21T01:00:00Z" },
};
const mapOf = (...claims: readonly Claim[]): ReadonlyMap<string, Claim> =>
  new Map(claims.map((claim) => [claim.metadata.name, claim]));

describe("a claim is as good as missing", () => {
  test.each<[string, readonly Claim[], string | undefined]>([
    ["when it does not exist", [aClaim("other")], "HO-P102 PersistentVolumeClaim vault does not exist"],
    ["when it goes", [going], "HO-P102 PersistentVolumeClaim vault is being deleted"],
    ["when its volume is gone", [aClaim("vault", "Lost")], "HO-P103 PersistentVolumeClaim vault has lost its volume"],
    ["not when it waits for its first pod", [aClaim("vault", "Pending")], undefined],
    ["not when nothing is known of it yet", [bare("vault")], undefined],
    ["not when it is bound", [aClaim("vault")], undefined],
  ])("%s", (_name, claims, says) => {
    const trouble = claimTrouble("vault", mapOf(...claims));
    expect(trouble && `${trouble.code} ${trouble.message}`).toBe(says);
  });
});

describe("a restore", () => {
  test("asks the source first, then the sinks in the order of the policy, or the one that is named", () => {
    const all = [
      { name: "source", claimName: "shop-backups" },
      { name: "vault", claimName: "vault" },
      { name: "attic", claimName: "attic-claim" },
    ];
    expect(locationsOf(spec, undefined)).toEqual(all);
    expect(locationsOf(spec, "attic")).toEqual(all.slice(2));
    expect(locationsOf(spec, "other")).toEqual([]);
  });
  const bound = [aClaim("shop-backups"), aClaim("attic-claim")];
  test.each<[string, readonly Claim[], readonly string[]]>([
    ["what is bound", bound, ["source", "attic"]],
    [
      "what is bound, and not what waits for its first pod",
      [...bound, aClaim("vault", "Pending")],
      ["source", "attic"],
    ],
    ["what waits, where nothing is bound", [aClaim("vault", "Pending"), bare("attic-claim")], ["vault", "attic"]],
    ["what waits, where the bound one goes", [going, aClaim("attic-claim", "Pending")], ["attic"]],
    ["nothing", [], []],
  ])("can read %s", (_name, claims, names) => {
    const found = readableLocations(locationsOf(spec, undefined), mapOf(...claims));
    expect(found.map(({ name }) => name)).toEqual(names);
  });
});

test("the claims of the app are those of its volumes; an app without any has none", () => {
  expect([...volumeClaims(spec)]).toEqual(["shop-uploads"]);
  const { volumes: _volumes, ...without } = spec;
  expect(volumeClaims(without).size).toBe(0);
});
