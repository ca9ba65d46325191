/** The source looks for the copies itself when it is to give up its own: what it does not find does not count. */
import { expect, test } from "@jest/globals";
import type { RunStatus } from "../../../operator/api/kinds.ts";
import type { ResultOf } from "../../../operator/contract/result.ts";
import { counts, updateCopies } from "../../../operator/decide/copies.ts";
import { aPolicy, aRun, doneStep } from "../../support/builders.ts";

const id = "000001-20261121T010000Z-full";
const ok = { version: 1, ok: true } as const;
const time = (hour: number): string => `2026-11-21T0${hour}:00:00.000Z`;
const facts = { name: "source", uuid: "u", generations: 1, verified: 1, bytes: 1, freeBytes: 1 };

/** Whether the copy at the vault counts, after it was verified there and the source has looked for its own generations. */
function countsAfter(lacking: ResultOf<"prune">["lacking"], verifiedAgain = false): boolean {
  const verified: ResultOf<"verify"> = { ...ok, step: "verify", verified: [id], damaged: [], bytes: 1, seconds: 1 };
  const source: ResultOf<"prune"> = {
    ...ok,
    step: "prune",
    location: facts,
    settled: [],
    pending: 1,
    lacking,
    removed: [],
    kept: [],
  };
  const status: RunStatus = {
    policy: aPolicy().build().spec,
    generation: { id },
    copies: [{ location: "vault", state: "Stored", required: true, time: time(1) }],
    steps: [doneStep("Verify/vault", time(2), verified), doneStep("Prune/source", time(3), source)],
  };
  const later = aRun("later").status({ steps: [doneStep("Verify/vault", time(4), verified)] });
  const { copies } = updateCopies(status, verifiedAgain ? [later.build()] : []);
  return counts(copies![0]!, status);
}

test("what it does not find is missing, whatever was said before", () => {
  expect(countsAfter([{ id, sink: "vault" }])).toBe(false);
});
test("until it is verified again", () => {
  expect(countsAfter([{ id, sink: "vault" }], true)).toBe(true);
});
test.each([
  ["another generation", [{ id: "000002-20261122T010000Z-full", sink: "vault" }]],
  ["a copy at another sink", [{ id, sink: "attic" }]],
  ["none", undefined],
])("%s that it does not find says nothing of this one", (_what, lacking) => {
  expect(countsAfter(lacking)).toBe(true);
});
