/** A restore that goes wrong in its exchange, or that somebody stops: the app runs on the old or on the new state, or not at all. */
import { describe, expect, test } from "@jest/globals";
import {
  type Lease,
  type Pod,
  type RestoreRequest,
  jobs,
  leases,
  pods,
  policies,
  restores,
} from "../../../operator/api/kinds.ts";
import { labels } from "../../../operator/api/names.ts";
import { isTerminated } from "../../../operator/decide/job-state.ts";
import { parseRecord } from "../../../operator/decide/record.ts";
import type { Ending, Script } from "../../simulator/kubelet.ts";
import type { Call, CallFault } from "../../simulator/port.ts";
import { Scenario } from "../../simulator/scenario.ts";

const ends = (endings: Readonly<Record<string, Ending>>): Script => ({ ending: (step) => endings[step] });
const summary = (scenario: Scenario): unknown => {
  const { result, app, code } = scenario.status;
  return { result, app, code, replicas: scenario.replicas() };
};
const at = async (scenario: Scenario, name: string, state = "Running"): Promise<Scenario> =>
  scenario.until(() => scenario.step(name)?.state === state);

describe("an exchange that is half done and cannot go on", () => {
  const half = async (ending: Ending): Promise<Scenario> =>
    Scenario.restore({ script: ends({ swap: ending }) }).settle();

  test.each<{ name: string; ending: Ending }>([
    { name: "as its mover says", ending: { code: "HO-R804" } },
    { name: "as far as anybody knows", ending: "silent" },
    { name: "because its node went away", ending: "evicted" },
  ])("$name keeps the app stopped, and nothing of it is removed", async ({ ending }) => {
    const scenario = await half(ending);
    expect(summary(scenario)).toEqual({ result: "", app: "Down", code: "HO-R804", replicas: 0 });
    expect(scenario.kubelet.truth).toMatchObject({ live: "half", staged: true });
    expect(scenario.records.length).toBe(1);
    expect([scenario.condition("Finished"), scenario.condition("Stalled")]).toEqual([
      "False InProgress",
      "True SwapFailed",
    ]);
  });
  test.each(["cancelled", "deleted"])(
    "and is %s by a person gives the app back as it is, with both states kept",
    async (how) => {
      const scenario = await half("silent");
      scenario.laws.mayStartHalf = true;
      if (how === "cancelled") scenario.cancel();
      else scenario.delete();
      await scenario.settle();
      expect(scenario.replicas()).toBe(3);
      expect(scenario.records).toEqual([]);
      expect(scenario.kubelet.truth).toMatchObject({ live: "half", staged: true });
      const left = scenario.world.find<RestoreRequest>(restores, "back");
      expect(left?.status?.result).toBe(how === "cancelled" ? "Failed" : undefined);
      const cleanup = left?.status?.steps?.find(({ name }) => name === "Cleanup")?.state;
      expect(cleanup).toBe(how === "cancelled" ? "Skipped" : undefined);
    },
  );
  test("holds on, also when the policy is gone and the controller starts anew", async () => {
    const scenario = await half({ code: "HO-R804" });
    scenario.world.delete(policies, "shop");
    await scenario.lookAgain();
    expect(summary(scenario)).toMatchObject({ app: "Down", replicas: 0 });
  });
});

test("an exchange begins when its hold cannot end by the clock any more, also when the controller dies before that", async () => {
  let deaths = 0;
  const closed: boolean[] = [];
  const isClosed = (lease: Lease): boolean =>
    parseRecord(lease)?.holders.every(({ exchanging }) => exchanging === true) === true;
  const fault = ({ plural, verb, name, body }: Call): CallFault | undefined => {
    const closes = plural === leases.plural && verb === "update" && JSON.stringify(body).includes("exchanging");
    // Before the record is closed.
    if (closes && deaths++ === 0) return { die: "unsent" };
    if (plural === jobs.plural && verb === "create" && name.includes("-swap-"))
      closed.push(scenario.records.length === 1 && scenario.records.every(isClosed));
    return undefined;
  };
  const scenario: Scenario = Scenario.restore({ processes: [{ fault }] });
  await scenario.settle();
  expect(deaths).toBeGreaterThan(1);
  expect(closed).toEqual([true]);
  expect(summary(scenario)).toMatchObject({ result: "Complete", replicas: 3 });
});

test("a hold inside the exchange does not end by the clock", async () => {
  const scenario = await Scenario.restore({ script: ends({ swap: { code: "HO-R804" } }) }).settle();
  scenario.world.advance(scenario.world.now + 90 * 24 * 3_600_000);
  await scenario.settle();
  expect(summary(scenario)).toMatchObject({ app: "Down", replicas: 0 });
});

describe("an exchange that never got a place on a node", () => {
  test("has changed nothing: the app comes back on its old state", async () => {
    const scenario = await Scenario.restore({ script: ends({ swap: "pending" }) }).settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-P114", replicas: 3 });
    expect(scenario.kubelet.truth).toMatchObject({ live: "old", staged: false });
  });
  test("after an attempt that had one may be half: the app stays down", async () => {
    const script: Script = {
      ending: (step, attempt) => (step === "swap" ? (attempt === 1 ? "silent" : "pending") : undefined),
    };
    const scenario = await Scenario.restore({ script }).settle();
    expect(summary(scenario)).toMatchObject({ result: "", app: "Down", replicas: 0 });
  });
});

describe("an app that somebody starts", () => {
  test("between the stop and the exchange: nothing is exchanged", async () => {
    const scenario = Scenario.restore();
    scenario.once(
      () => scenario.step("Quiesce")?.state === "Done",
      () => scenario.scaleByHand(2),
    );
    await scenario.settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-R807", replicas: 2 });
    expect(scenario.kubelet.truth).toMatchObject({ live: "old", staged: false });
  });
  test("during the exchange: it is completed, says so, and what was replaced is kept", async () => {
    const scenario = await at(Scenario.restore({ script: { jobTakes: 20_000 } }), "Swap");
    scenario.world.advance(scenario.world.now + 1_000);
    scenario.laws.mayStartHalf = true;
    scenario.scaleByHand(2);
    await scenario.settle();
    expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-R808", replicas: 2 });
    expect(scenario.status.advice).toContain("was scaled to 2");
    expect(scenario.step("Cleanup")?.state).toBe("Skipped");
    expect(scenario.kubelet.truth).toMatchObject({ live: "new", staged: true });
  });
});

describe("cancelled", () => {
  test.each(["Plan", "Stage", "Quiesce"])(
    "while %s runs: nothing was exchanged, and what was staged goes",
    async (phase) => {
      const scenario = await at(Scenario.restore(), phase);
      scenario.cancel();
      await scenario.settle();
      expect(summary(scenario)).toEqual({ result: "Failed", app: "Up", code: "HO-X003", replicas: 3 });
      expect(scenario.kubelet.truth).toMatchObject({ live: "old", staged: false });
      expect(scenario.activeJobs).toEqual([]);
    },
  );
  test.each(["Swap", "GiveBack", "Cleanup"])("while %s runs: the exchange is completed first", async (phase) => {
    const scenario = await at(Scenario.restore(), phase);
    scenario.cancel();
    await scenario.settle();
    expect(summary(scenario)).toMatchObject({ result: "Complete", app: "Up", replicas: 3 });
    expect(scenario.kubelet.truth).toMatchObject({ live: "new", staged: false });
  });
  test("between two attempts of the exchange: it is completed first", async () => {
    const script: Script = { ending: (step, attempt) => (step === "swap" && attempt === 1 ? "silent" : undefined) };
    const scenario = await at(Scenario.restore({ script }), "Swap", "Waiting");
    scenario.delete();
    await scenario.settle();
    expect(scenario.kubelet.truth).toMatchObject({ live: "new" });
    expect(scenario.replicas()).toBe(3);
    expect(scenario.world.find(restores, "back")).toBeUndefined();
  });
  test("what was staged is removed only when nothing stages any more", async () => {
    const scenario = await at(Scenario.restore({ script: { stopTakes: 20_000 } }), "Stage");
    await scenario.until(() => scenario.activeJobs.includes("back-stage-1"));
    scenario.world.advance(scenario.world.now + 200);
    scenario.cancel();
    await at(scenario, "Cleanup");
    const staging = scenario.world.all<Pod>(pods).filter(({ metadata }) => metadata.labels?.[labels.step] === "stage");
    expect(staging.filter((pod) => !isTerminated(pod))).toEqual([]);
    await scenario.settle();
    expect(scenario.kubelet.truth.staged).toBe(false);
  });
});
