/** Whether an adoption needs anything: only then are Jobs looked at for it. */
import { describe, expect, test } from "@jest/globals";
import type { AdoptionRecord } from "../../../operator/api/kinds.ts";
import { isAdopting } from "../../../operator/decide/adoption.ts";
import { listed, listing, page, policyWith } from "./adoption-listings.ts";

describe("Jobs are looked at", () => {
  test.each<[string, AdoptionRecord | undefined, string | undefined, boolean]>([
    ["not when nothing is asked for", undefined, undefined, false],
    ["not for an annotation without a word", undefined, "  ", false],
    ["when something is asked for", undefined, "vault", true],
    ["not when it is done", listing({ state: "Done" }), "vault", false],
    ["nor because of a blank", listing({ state: "Done" }), " vault ", false],
    ["when it is asked for again", listing({ state: "Done" }), "vault again", true],
    ["while its step is on record, also when it was taken back", listing({ step: listed(page([])) }), undefined, true],
  ])("%s", (_name, adoption, request, is) => {
    expect(isAdopting(policyWith(adoption, request))).toBe(is);
  });
});
