/** A capture of which one container dies: its pod can come to no good end, so the app does not wait for the other containers. */
import { describe, expect, test } from "@jest/globals";
import { type Job, type Pod, deployments, jobs, pods } from "../../../operator/api/kinds.ts";
import { jobNameLabel } from "../../../operator/api/names.ts";
import { Scenario } from "../../simulator/scenario.ts";

const job = "shop-1-capture-1";
const podOf = (scenario: Scenario): Pod =>
  scenario.world.all<Pod>(pods).find((pod) => pod.metadata.labels?.[jobNameLabel] === job)!;

/** Killed as by the kernel for want of memory: it leaves no result, and tells the others nothing. */
function kill(scenario: Scenario, container: string, message = ""): void {
  scenario.world.change<Pod>(pods, podOf(scenario).metadata.name, ({ status }) => ({
    status: {
      ...status,
      containerStatuses: (status?.containerStatuses ?? []).map((one) =>
        one.name === container
          ? { ...one, state: { terminated: { exitCode: message === "" ? 137 : 1, reason: "OOMKilled", message } } }
          : one,
      ),
    },
  }));
}

async function capturing(): Promise<Scenario> {
  const scenario = Scenario.run({ script: { ending: (step) => (step === "capture" ? "hangs" : "ok") } });
  return scenario.until(() => scenario.world.find(jobs, job) !== undefined && podOf(scenario) !== undefined);
}

describe.each(["dump", "archive", "release"])("a capture whose %s is killed while the others go on", (container) => {
  test("gives the app back at once, and fails", async () => {
    const scenario = await capturing();
    const killedAt = scenario.world.now;
    kill(scenario, container);
    await scenario.until(() => scenario.replicas() !== 0);
    expect(scenario.world.now - killedAt).toBeLessThanOrEqual(1_000);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-X001", app: "Up" });
    expect(scenario.step("Capture")?.message).toBe(
      `container ${container} ended with code 137 (OOMKilled) and left no result`,
    );
    expect(scenario.activeJobs).toEqual([]);
    expect(scenario.records).toEqual([]);
  });
});

test("the reason that a part has told is the reason of the capture", async () => {
  const scenario = await capturing();
  const message = JSON.stringify({ version: 1, step: "dump", ok: false, code: "HO-D306", message: "no", retry: false });
  kill(scenario, "dump", message);
  await scenario.settle();
  expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-D306" });
});

test("a capture that ends by itself in time keeps its Job, for the log; one that does not is removed", async () => {
  for (const ends of [true, false]) {
    const scenario = await capturing();
    kill(scenario, "dump");
    await scenario.until(() => scenario.step("Capture")?.state === "Failed");
    expect(scenario.finished).toBe(false);
    expect(scenario.world.find<Job>(jobs, job)?.metadata.deletionTimestamp).toBeUndefined();
    if (ends)
      scenario.world.change<Job>(jobs, job, () => ({ status: { conditions: [{ type: "Failed", status: "True" }] } }));
    await scenario.settle();
    expect(scenario.finished).toBe(true);
    expect(scenario.world.find(jobs, job) !== undefined).toBe(ends);
    expect(scenario.world.find(deployments, "shop")).toBeDefined();
  }
});

test("a capture whose Job somebody deletes gives the app back at once, however long its processes take to end", async () => {
  const scenario = await capturing();
  await scenario.until(() => scenario.status.capturePodUID !== undefined);
  scenario.kubelet.script = { ...scenario.kubelet.script, stopTakes: 30_000 };
  const deletedAt = scenario.world.now;
  scenario.world.delete(jobs, job);
  await scenario.until(() => scenario.replicas() !== 0);
  expect(scenario.world.now - deletedAt).toBeLessThanOrEqual(1_000);
  await scenario.settle();
  expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-X001", app: "Up" });
});
