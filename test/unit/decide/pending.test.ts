/** Sealed generations that wait, as the runs of a policy tell. */
import { expect, test } from "@jest/globals";
import type { BackupRun } from "../../../operator/api/kinds.ts";
import { countPending } from "../../../operator/decide/pending.ts";

const at = (minute: number): string => `2026-11-22T02:${String(minute).padStart(2, "0")}:00Z`;

interface Told {
  readonly preflight?: number;
  readonly prune?: number | "Failed" | "Pending";
}

/** A run that begins at a minute, is sealed at the next, and is pruned at the one after. */
const run = (minute: number, { preflight, prune }: Told): BackupRun =>
  ({
    status: {
      ...(prune === undefined ? {} : { generation: { id: "x", sealedAt: at(minute + 1) } }),
      steps: [
        {
          name: "Preflight",
          state: "Done",
          finishedAt: at(minute),
          result: { of: [{ step: "preflight", pending: preflight ?? 0 }] },
        },
        typeof prune === "number"
          ? {
              name: "Prune/source",
              state: "Done",
              finishedAt: at(minute + 2),
              result: { of: [{ step: "prune", pending: prune }] },
            }
          : { name: "Prune/source", state: prune ?? "Skipped" },
      ],
    },
  }) as unknown as BackupRun;

test.each<[string, readonly BackupRun[], number | undefined]>([
  ["nothing is known without runs", [], undefined],
  ["the last prune of the source says it", [run(10, { prune: 2 }), run(20, { prune: 0 })], 0],
  ["whatever the order of the list", [run(20, { prune: 0 }), run(10, { prune: 2 })], 0],
  ["a generation waits whose run could not count", [run(10, { prune: 0 }), run(20, { prune: "Failed" })], 1],
  ["and one more after the next", [run(20, { prune: "Failed" }), run(30, { preflight: 1, prune: "Failed" })], 2],
  ["what the next preflight counts is not counted twice", [run(20, { prune: "Failed" }), run(30, { preflight: 1 })], 1],
  ["a run on its way to the sinks does not wait", [run(10, { prune: 0 }), run(20, { prune: "Pending" })], 0],
])("%s", (_what, runs, expected) => {
  expect(countPending(runs)).toBe(expected);
});
