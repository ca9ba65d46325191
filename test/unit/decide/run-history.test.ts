/** Which finished runs stay, and which go because nobody needs them any more. */
import { expect, test } from "@jest/globals";
import type { BackupRun } from "../../../operator/api/kinds.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { formatInstant } from "../../../operator/domain/instant.ts";
import { aPolicy, aRun, at } from "../../support/builders.ts";

/** Names of the runs that are deleted. */
const deletedOf = (runs: readonly BackupRun[], policy = aPolicy().build()): readonly string[] =>
  decidePolicy({ policy, runs, restores: [], takenNames: new Set() }, at("00:00")).actions.flatMap((action) =>
    action.do === "deleteRun" ? [action.run.metadata.name] : [],
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
  expect(deletedOf(runs).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "failed-1",
    "failed-2",
    "gone",
    "never-arrived",
  ]);
});

test("what lies in the trash keeps its record: it can come back, and then be held", () => {
  const pruned = (name: string, ...times: readonly string[]): BackupRun =>
    aRun(name)
      .finished("Complete", "000001-20261101T010000Z-full", {
        copies: times.map((time, index) => ({ location: index === 0 ? "source" : "vault", state: "Pruned", time })),
      })
      .build();
  const runs = [
    pruned("both-long-ago", "2026-11-19T01:00:00Z", "2026-11-19T23:00:00Z"),
    pruned("source-long-ago", "2026-11-19T01:00:00Z", "2026-11-20T01:00:00Z"),
    aRun("newer").created("2026-11-21T02:00:00Z").finished("Complete", "000002-20261121T010000Z-full").build(),
  ];
  expect(deletedOf(runs)).toEqual(["both-long-ago"]);
  const { retention } = aPolicy().build().spec;
  const none = aPolicy().spec({ retention: { ...retention, trash: "0s" } });
  expect(deletedOf(runs, none.build()).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "both-long-ago",
    "source-long-ago",
  ]);
});
