/** What a listing of generations says, as it is on record in a policy that makes runs of them. */
import type { AdoptionRecord, BackupPolicy, StepRecord } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import type { CatalogueEntry, ResultOf } from "../../../operator/contract/result.ts";
import { aPolicy, sink } from "../../support/builders.ts";

export const idOf = (number: number): string => `00000${number}-2026110${number}T010000Z-full`;
export const entry = (number: number, change: Partial<CatalogueEntry> = {}): CatalogueEntry => ({
  id: idOf(number),
  type: "Full",
  sealedAt: `2026-11-0${number}T01:02:00Z`,
  consistency: "Quiesced",
  parent: "",
  bytes: 1_000,
  storedBytes: 600,
  files: 10,
  tables: 3,
  manifestSHA256: "0123456789abcdef".repeat(4),
  verified: true,
  holds: { databases: ["shop"], volumes: [{ name: "uploads", claimName: "shop-uploads" }] },
  ...change,
});
export const page = (
  entries: readonly CatalogueEntry[],
  change: Partial<ResultOf<"catalogue">> = {},
): ResultOf<"catalogue"> => ({
  version: 1,
  ok: true,
  step: "catalogue",
  entries: [...entries],
  more: false,
  total: entries.length,
  broken: 0,
  ...change,
});
export const job = "shop-catalogue-vault-1-1";
/** The step of a page that is on record. */
export const listed = (result: ResultOf<"catalogue">, change: Partial<StepRecord> = {}): StepRecord => ({
  name: "Catalogue/vault/1",
  state: "Done",
  attempt: 1,
  job,
  result: { of: [result] },
  ...change,
});
export const listing = (change: Partial<AdoptionRecord> = {}): AdoptionRecord => ({
  request: "vault",
  location: "vault",
  state: "Listing",
  serial: 1,
  after: "",
  adopted: 0,
  ...change,
});
/** @param request what the annotation says by now; without a word it is not there */
export const policyWith = (adoption: AdoptionRecord | undefined, request = ""): BackupPolicy => {
  const policy = aPolicy().sinks(sink("vault"), sink("offsite", { verify: "Sample", required: false }));
  const asking = request === "" ? policy : policy.annotated(annotations.adopt, request);
  return asking.status(adoption === undefined ? {} : { adoption }).build();
};
