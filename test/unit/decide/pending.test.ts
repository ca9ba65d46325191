/** Sealed generations that wait, as the runs of a policy tell. */
import { expect, test } from "@jest/globals";
import type { BackupRun } from "../../../operator/api/kinds.ts";
import { countPending } from "../../../operator/decide/pending.ts";

const at = (minute: number): string => `2026-11-22T02:${String(minute).padStart(2, "0")}:00Z`;

interface Told {
  readonly preflight?: number;
  readonly prune?: number | "Failed" | "Pending";
  /** What the prune of a sink says, which knows nothing of what waits. */
  readonly sink?: number;
}

/** A run that begins at a minute, is sealed at the next, and is pruned at the one after. */
const run = (minute: number, { preflight, prune, sink }: Told): BackupRun =>
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
        ...(sink === undefined
          ? []
          : [
              {
                name: "Prune/vault",
                state: "Done",
                finishedAt: at(minute + 3),
                result: { of: [{ step: "prune", pending: sink }] },
              },
            ]),
      ],
    },
  }) as unknown as BackupRun;

/** It found another store at the sink, and ended there. */
const uncounted = (minute: number): BackupRun =>
  ({
    status: {
      generation: { id: "x", sealedAt: at(minute) },
      steps: [
        { name: "Preflight", state: "Failed", finishedAt: at(minute) },
        { name: "Prune/source", state: "Skipped" },
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
  ["nor what it finds gone", [run(20, { prune: "Failed" }), run(30, { preflight: 0 })], 0],
  ["a sink knows nothing of it", [run(10, { prune: 2, sink: 0 })], 2],
  ["all of it waits when nobody ever counted", [uncounted(20), uncounted(30)], 2],
  ["a run that only began says nothing", [{ status: {} } as BackupRun, {} as BackupRun], undefined],
  ["a run on its way to the sinks does not wait", [run(10, { prune: 0 }), run(20, { prune: "Pending" })], 0],
])("%s", (_what, runs, expected) => {
  expect(countPending(runs)).toBe(expected);
});
