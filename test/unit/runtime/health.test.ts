import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { recentlyActive, startHealth, type HealthServer } from "../../../operator/runtime/health.ts";
import { Metrics } from "../../../operator/runtime/metrics.ts";
import { ManualClock } from "./manual-clock.ts";

const clock = new ManualClock();
const metrics = new Metrics({ version: "1.2.3" });
let server: HealthServer;
let problem: string | undefined;
beforeEach(async () => {
  problem = undefined;
  const lastTurn = clock.monotonic();
  server = await startHealth({
    host: "127.0.0.1",
    port: 0,
    live: [recentlyActive(clock, "leader", () => lastTurn, 60_000), { name: "other", problem: () => undefined }],
    ready: [{ name: "synced", problem: () => problem }],
    metrics,
  });
});
afterEach(() => server.close());

const get = async (path: string): Promise<readonly [number, string]> => {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return [answer.status, await answer.text()];
};

test("liveness fails when a sign of life is overdue, and says which", async () => {
  expect(await get("/healthz")).toEqual([200, "leader: ok\nother: ok\n"]);
  await clock.advance(60_000);
  expect(await get("/healthz?verbose")).toEqual([503, "leader: no sign of life for 60 s\nother: ok\n"]);
});

test("readiness is another question", async () => {
  problem = "no list of pods yet";
  expect(await get("/readyz")).toEqual([503, "synced: no list of pods yet\n"]);
  expect((await get("/healthz"))[0]).toBe(200);
});

test("metrics: what was counted, in labels that stay few", async () => {
  metrics.reconciled("run", "done", 0.01);
  metrics.requested({ verb: "get", resource: "pods", code: 200 });
  metrics.watchRestarted("pods", "idle");
  metrics.queueDepth("main", 3);
  metrics.leading(true);
  metrics.runFinished("Succeeded");
  metrics.policy("shop", "nightly", {
    lastCompleteTimestampSeconds: 1.7e9,
    freezeSeconds: 0.5,
    appDown: false,
    appStoppedSeconds: 4,
  });
  const [status, text] = await get("/metrics");
  expect(status).toBe(200);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#") && !line.includes("_bucket"));
  expect(lines.toSorted()).toEqual([
    'handover_api_requests_total{verb="get",resource="pods",code="200"} 1',
    'handover_app_down{namespace="shop",policy="nightly"} 0',
    'handover_app_stopped_seconds{namespace="shop",policy="nightly"} 4',
    'handover_build_info{version="1.2.3"} 1',
    "handover_leader 1",
    'handover_policy_last_complete_timestamp_seconds{namespace="shop",policy="nightly"} 1700000000',
    'handover_queue_depth{queue="main"} 3',
    'handover_reconcile_seconds_count{kind="run"} 1',
    'handover_reconcile_seconds_sum{kind="run"} 0.01',
    'handover_reconcile_total{kind="run",outcome="done"} 1',
    'handover_run_freeze_seconds{namespace="shop",policy="nightly"} 0.5',
    'handover_runs_total{result="Succeeded"} 1',
    'handover_watch_restarts_total{resource="pods",reason="idle"} 1',
  ]);
});

test("a value that is no longer known and a policy that is gone leave no series behind", async () => {
  metrics.policy("shop", "nightly", { freezeSeconds: 1, appDown: true, appStoppedSeconds: 0 });
  expect((await get("/metrics"))[1]).toContain('handover_app_down{namespace="shop",policy="nightly"} 1');
  metrics.policy("shop", "nightly", { appDown: true, appStoppedSeconds: 0 });
  expect((await get("/metrics"))[1]).not.toContain("handover_run_freeze_seconds{");
  metrics.forgetPolicy("shop", "nightly");
  expect((await get("/metrics"))[1]).not.toContain("nightly");
});

test("nothing else is served, and a taken port is an error", async () => {
  expect((await get("/"))[0]).toBe(404);
  const again = startHealth({ host: "127.0.0.1", port: server.port, live: [], ready: [], metrics });
  await expect(again).rejects.toThrow("EADDRINUSE");
});
