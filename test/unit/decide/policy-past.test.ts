/** Which records of the past a policy removes. */
import { expect, test } from "@jest/globals";
import type { BackupRun } from "../../../operator/api/kinds.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { formatInstant } from "../../../operator/domain/instant.ts";
import { aPolicy, aRun, at } from "../../support/builders.ts";

const deleted = (runs: readonly BackupRun[]): readonly string[] =>
  decidePolicy({ policy: aPolicy().build(), runs, restores: [], takenNames: new Set() }, at("00:00")).actions.flatMap(
    (action) => (action.do === "deleteRun" ? [action.run.metadata.name] : []),
  );

test("the past that nobody needs goes: old failures, and generations that are gone", () => {
  const day = (number: number): string => formatInstant(at("01:00", `2026-11-${String(number).padStart(2, "0")}`));
  const copy = (location: string, state: "Pruned" | "Verified" | "Missing") => ({ location, state, required: true });
  const failures = [1, 2, 3, 4, 5, 6, 7].map((number) =>
    aRun(`failed-${number}`).created(day(number)).finished("Failed").build(),
  );
  const kept = (name: string, ...copies: readonly ReturnType<typeof copy>[]): BackupRun =>
    aRun(name).created(day(1)).finished("AtRisk", "000001-20261101T010000Z-full", { copies }).build();
  const runs = [
    ...failures,
    kept("gone", copy("source", "Pruned"), copy("vault", "Pruned")),
    kept("never-arrived", copy("source", "Pruned"), copy("vault", "Missing")),
    kept("at-the-sink", copy("source", "Pruned"), copy("vault", "Verified")),
    kept("at-the-source", copy("source", "Verified"), copy("vault", "Missing")),
    aRun("active").created(day(1)).build(),
  ];
  expect(deleted(runs).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["failed-1", "failed-2", "gone", "never-arrived"]);
});
