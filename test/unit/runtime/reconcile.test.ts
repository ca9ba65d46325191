/** A pass records before it acts, and does nothing at all when somebody was faster. */
import { beforeEach, describe, expect, test } from "@jest/globals";
import { type BackupRun, deployments, runs } from "../../../operator/api/kinds.ts";
import { EventRecorder } from "../../../operator/cluster/events.ts";
import type { Action, Decision } from "../../../operator/decide/decision.ts";
import { type PassOutcome, carryOut } from "../../../operator/runtime/reconcile.ts";
import { aRun } from "../../support/builders.ts";
import { type RecordedCluster, recordCluster, writesOf } from "../../support/recorded-cluster.ts";
import { recordingLog } from "./recording-log.ts";

const status = { phase: "Warm 2/9", times: {} };
const run = aRun().meta({ resourceVersion: "41" }).status(status).build();
const written = aRun().meta({ resourceVersion: "42" }).build();
const scale: Action = { do: "scale", resource: deployments, name: "shop", replicas: 0, resourceVersion: "12" };
const finalizers: Action = { do: "setFinalizers", finalizers: [] };
const note = { type: "Normal", reason: "Quiesced", message: "the app is stopped" } as const;
const decision = (change: Partial<Decision<BackupRun["status"]>> = {}): Decision<BackupRun["status"]> => ({
  status: { ...status, phase: "Quiesce 3/9" },
  actions: [scale, finalizers],
  events: [note],
  wakeAfter: 5_000,
  ...change,
});

let recorded: RecordedCluster;
beforeEach(() => {
  recorded = recordCluster({ updateStatus: written, create: written });
});

async function pass(decided = decision()): Promise<PassOutcome> {
  const { cluster } = recorded;
  const fail = (error: unknown): never => {
    throw error;
  };
  const events = new EventRecorder({ cluster, instance: "p", now: () => 0, monotonic: () => 0, onFailure: fail });
  return carryOut({ cluster, events, log: recordingLog() }, runs, run, decided);
}
const methods = (): readonly string[] => writesOf(recorded).map(([method]) => method);

describe("a pass", () => {
  test("records first, with the version that it has seen, then acts, then tells", async () => {
    await expect(pass()).resolves.toEqual({ wakeAfter: 5_000 });
    expect(methods()).toEqual(["updateStatus", "scale", "patch", "create"]);
    const [recording, , patch] = writesOf(recorded);
    expect(recording?.slice(3, 5)).toEqual(["shop-1", "41"]);
    // What follows stands on what was just written.
    expect(patch?.[4]).toMatchObject({ metadata: { resourceVersion: "42" } });
  });

  test.each(["conflict", "gone"])("does nothing when its status meets with %p", async (answer) => {
    recorded = recordCluster({ updateStatus: answer });
    await pass();
    expect(methods()).toEqual(["updateStatus"]);
  });

  test("does nothing when its status cannot be written", async () => {
    recorded = recordCluster({ updateStatus: () => Promise.reject(new Error("the API server is away")) });
    await expect(pass()).rejects.toThrow("away");
    expect(methods()).toEqual(["updateStatus"]);
  });

  test("that finds nothing to do writes nothing, also when what is not there is spelled out", async () => {
    const same = { ...status, times: { stopAt: undefined }, result: undefined } as unknown as BackupRun["status"];
    await pass(decision({ status: same, actions: [], events: [] }));
    expect(recorded.calls).toEqual([]);
  });

  test("whose write meets with a conflict looks again soon, and goes on with the rest", async () => {
    recorded = recordCluster({ updateStatus: written, create: written, scale: "conflict" });
    const { wakeAfter } = await pass();
    expect(wakeAfter).toBeLessThan(5_000);
    expect(methods()).toEqual(["updateStatus", "scale", "patch", "create"]);
  });
});
