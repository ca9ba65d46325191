/** The controller is away between a stop and its record, for minutes or for ever: the stop counts from when it was, whoever knows it late. */
import { expect, jest, test } from "@jest/globals";
import type { RunStatus } from "../../../operator/api/kinds.ts";
import { parseInstant } from "../../../operator/domain/instant.ts";
import { aPolicy, aRestore } from "../../support/builders.ts";
import { Scenario, type Story, longCalm } from "../../simulator/scenario.ts";

jest.setTimeout(120_000);

const minute = 60_000;
const budget = 10 * minute;

interface Absence {
  readonly scenario: Scenario;
  /** By the clock of the world. */
  readonly downAt: number;
  readonly upAt: number;
}

/** The controller dies with the very write that scales the app to zero. */
async function dieWithTheScaling(restartsAfter: number, story: Story = {}): Promise<Absence> {
  const whole: Story = { processes: [{ restartsAfter }], ...story };
  const scenario = story.restore === undefined ? Scenario.run(whole) : Scenario.restore(whole);
  let downAt = 0;
  let upAt = 0;
  scenario.once(
    () => scenario.replicas() === 0,
    () => {
      downAt = scenario.world.now;
      scenario.processes[0]?.kill();
      scenario.once(
        () => scenario.replicas() === 3,
        () => (upAt = scenario.world.now),
      );
    },
  );
  await scenario.settle(longCalm);
  return { scenario, downAt, upAt };
}
const stoppedAt = ({ times }: RunStatus): number => parseInstant(times?.stopAt) ?? Number.NaN;

test("back within the budget, it does not begin anew: the app comes back as if nobody had been away", async () => {
  const hangs = { ending: (step: string) => (step === "capture" ? ("hangs" as const) : undefined) };
  const { scenario, downAt, upAt } = await dieWithTheScaling(4 * minute, { script: hangs });
  expect(Math.abs(stoppedAt(scenario.status) - downAt)).toBeLessThan(1_000);
  expect(upAt - downAt).toBeLessThan(budget + 5_000);
  expect(scenario.status).toMatchObject({ result: "Failed", code: "HO-S208", app: "Up" });
  expect(scenario.status.downtime).toMatch(/^10m/);
});

test("back when its guard has given the app back, it says that the app was stopped, and since when", async () => {
  const { scenario, downAt, upAt } = await dieWithTheScaling(20 * minute);
  expect(upAt - downAt).toBeLessThan(budget + 2 * minute);
  expect(Math.abs(stoppedAt(scenario.status) - downAt)).toBeLessThan(1_000);
  expect(scenario.status).toMatchObject({ result: "Failed", app: "Up" });
  expect(scenario.step("GiveBack")?.message).toContain("downtime");
});

test("an app that a person has parked meanwhile, after its guard gave it back, stays parked", async () => {
  const scenario = Scenario.run({ processes: [{ restartsAfter: 20 * minute }] });
  scenario.once(
    () => scenario.replicas() === 0,
    () => {
      scenario.processes[0]?.kill();
      scenario.once(
        () => scenario.records.length === 0,
        () => scenario.world.after(minute, () => scenario.scaleByHand(0)),
      );
    },
  );
  await scenario.settle(longCalm);
  expect(scenario.status).toMatchObject({ result: "Failed" });
  expect([scenario.replicas(), scenario.records]).toEqual([0, []]);
});

test("a restore keeps to the budget as well, until it exchanges anything", async () => {
  const policy = aPolicy().app({ maxDowntime: "2m", stopTimeout: "30m" }).build();
  const restore = aRestore().build();
  const { upAt, downAt } = await dieWithTheScaling(Infinity, { policy, restore });
  expect(upAt - downAt).toBeGreaterThan(minute);
  expect(upAt - downAt).toBeLessThan(4 * minute);
});

test("a run whose app is only going to be stopped does not call it stopped", async () => {
  const scenario = Scenario.run({ script: { guardTakes: 30_000 } });
  await scenario.until(() => scenario.step("Quiesce")?.message?.includes("guard") === true);
  expect([scenario.status.app, scenario.replicas()]).toEqual(["Up", 3]);
  await scenario.until(() => scenario.replicas() === 0);
  expect(scenario.status.app).toBe("Stopped");
});
