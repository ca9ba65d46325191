/** What a page on record is to runs that are there: which were made of it, and which it tells of a copy more. */
import { expect, test } from "@jest/globals";
import type { AdoptionRecord, BackupRun, RunStatus } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import { type AdoptionMove, decideAdoption } from "../../../operator/decide/adoption.ts";
import { aRun, at, condition, settings } from "../../support/builders.ts";
import { entry, idOf, listed, listing, page, policyWith } from "./adoption-listings.ts";

const look = (adoption: AdoptionRecord, runs: readonly BackupRun[]): AdoptionMove =>
  decideAdoption(
    {
      policy: policyWith(adoption, "vault"),
      runs,
      takenNames: new Set(),
      adoption: { jobs: new Map(), pods: [], settings },
    },
    at("02:00"),
  );
const finished = (number: number, serial: number): BackupRun =>
  aRun(`shop-00000${number}`)
    .annotated(annotations.adopted, `vault/${idOf(number)}/${serial}`)
    .finished("Complete", idOf(number))
    .build();

test("runs of an older listing, or of a release that numbered none, were there before", () => {
  const old = aRun("old")
    .annotated(annotations.adopted, `vault/${idOf(2)}`)
    .finished("Complete", idOf(2))
    .build();
  const last = listing({ serial: 5, step: listed(page([entry(1), entry(2), entry(3)])) });
  const move = look(last, [finished(1, 2), old, finished(3, 5)]);
  expect(move.adoption).toMatchObject({
    adopted: 1,
    message: "1 run made of 3 generations at vault, 2 had one before",
  });
});
test("a page stays on record until each run that was made elsewhere has taken over what it tells", () => {
  const elsewhere = (state?: "Missing" | "Stored", change: RunStatus = {}): BackupRun =>
    aRun("elsewhere")
      .finished("Complete", idOf(1), {
        generation: { id: idOf(1), manifestSHA256: entry(1).manifestSHA256 },
        conditions: [condition("Finished"), condition("Adopted")],
        copies: [
          { location: "source", state: "Verified", required: true },
          ...(state === undefined ? [] : [{ location: "vault", state, required: true }]),
        ],
        ...change,
      })
      .build();
  const stateWith = (run: BackupRun): string | undefined =>
    look(listing({ step: listed(page([entry(1)])) }), [run]).adoption?.state;
  expect([stateWith(elsewhere()), stateWith(elsewhere("Missing"))]).toEqual(["Listing", "Listing"]);
  expect(look(listing({ step: listed(page([entry(1)])) }), [elsewhere()]).wakeAfter).toBe(5_000);
  const gone = elsewhere();
  for (const other of [
    elsewhere("Stored"),
    elsewhere(undefined, { conditions: [condition("Finished")] }),
    elsewhere(undefined, { generation: { id: idOf(1), manifestSHA256: "other" } }),
    elsewhere(undefined, {
      copies: [{ location: "vault", state: "Missing", required: true, code: "HO-V602" }],
    }),
    { ...gone, metadata: { ...gone.metadata, deletionTimestamp: "2026-11-21T02:00:00.000Z" } },
  ])
    expect(stateWith(other)).toBe("Done");
});
