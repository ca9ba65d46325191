/** A copy that was pruned and came back out of the trash. */
import { expect, test } from "@jest/globals";
import type { BackupRun, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { updateCopies } from "../../../operator/decide/copies.ts";
import { aRun } from "../../support/builders.ts";

const id = "000001-20261121T010000Z-full";
const time = (hour: number): string => `2026-11-21T${String(hour).padStart(2, "0")}:00:00.000Z`;
const done = (name: string, hour: number, result: object): StepRecord => ({
  name,
  state: "Done",
  finishedAt: time(hour),
  result: { of: [{ version: 1, ok: true, ...result }] },
});
const prune = (place: string, hour: number, removed: readonly string[], ranges: string): StepRecord =>
  done(`Prune/${place}`, hour, {
    step: "prune",
    location: { name: place },
    removed: removed.map((one) => ({ id: one, why: "" })),
    kept: [],
    present: { since: 1, ranges },
  });
const verify = (hour: number): StepRecord =>
  done("Verify/vault", hour, { step: "verify", verified: [id], damaged: [] });
const later = (steps: readonly StepRecord[], back: readonly string[] = []): BackupRun =>
  aRun("later")
    .status({
      policyUID: "u",
      steps: [...steps],
      retention: back.map((location) => ({ location, state: "Done" as const, tookBack: [id] })),
    })
    .build();
const pruned: RunStatus = {
  policyUID: "u",
  generation: { id },
  copies: [
    { location: "source", state: "Pruned", required: true, time: time(1) },
    { location: "vault", state: "Pruned", required: true, time: time(1) },
  ],
};
const gone = later([prune("source", 1, [id], "2-3"), prune("vault", 1, [id], "2-3")]);
const back = later([prune("source", 3, [], "1-3"), prune("vault", 3, [], "1-3")], ["source", "vault"]);
const states = (...runs: readonly BackupRun[]): string =>
  updateCopies(pruned, runs)
    .copies!.map(({ state }) => state)
    .join(" ");

test("counts at the source as before, and at a sink once it was read again", () => {
  expect(states(gone)).toBe("Pruned Pruned");
  expect(states(gone, back)).toBe("Verified Stored");
  expect(states(gone, back, later([verify(4)]))).toBe("Verified Verified");
});

test("is pruned again with the next removal", () => {
  expect(states(gone, back, later([prune("vault", 5, [id], "2-4")]))).toBe("Verified Pruned");
});

test("what a place did not take back stays pruned, and so does what another run's place did", () => {
  expect(states(gone, later([prune("vault", 3, [], "2-3")], ["source"]))).toBe("Pruned Pruned");
  expect(states(gone, later([prune("source", 3, [], "1-3")], ["source"]))).toBe("Verified Pruned");
});

test("is the same at every further look", () => {
  const once = updateCopies(pruned, [gone, back, later([verify(4)])]);
  expect(updateCopies(once, [gone, back, later([verify(4)])])).toEqual(once);
});
