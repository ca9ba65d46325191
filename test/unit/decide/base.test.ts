/** What incremental and differential runs are based on: chosen before the app is stopped, on record, and never chosen again. */
import { describe, expect, test } from "@jest/globals";
import type { Job } from "../../../operator/api/kinds.ts";
import { taskVariable } from "../../../operator/contract/mounts.ts";
import { type MoverTask, parseTask } from "../../../operator/contract/task.ts";
import type { GenerationType } from "../../../operator/domain/generation.ts";
import { aPolicy, aRun } from "../../support/builders.ts";
import type { Script } from "../../simulator/kubelet.ts";
import { digestOf } from "../../simulator/movers.ts";
import { Scenario, type Story } from "../../simulator/scenario.ts";

const full = "000001-20261120T010000Z-full";
const increment = "000002-20261120T020000Z-incremental";
const dump = "000003-20261120T030000Z-database";
const sealed = [full, increment, dump];
const noFull = "Full instead of Incremental: there is no full generation yet";

const run = (type: GenerationType, story: Story = {}): Scenario =>
  Scenario.run({ run: aRun().of(type).build(), ...story });
const tasksOf = ({ moverJobs }: Scenario): readonly MoverTask[] =>
  moverJobs.flatMap((job: Job) => {
    const { template } = job.spec as {
      template: { spec: { containers: { env: { name: string; value?: string }[] }[] } };
    };
    return template.spec.containers.map(({ env }) =>
      parseTask(env.find(({ name }) => name === taskVariable)?.value ?? ""),
    );
  });
const taskOf = (scenario: Scenario, step: MoverTask["step"]): MoverTask | undefined =>
  tasksOf(scenario).find((task) => task.step === step);
const reporting = (step: string, result: object): Script => ({
  reports: (of) => (of === step ? result : undefined),
});

describe("a run that finds what it can be based on", () => {
  test.each([
    { type: "Incremental", parent: increment },
    { type: "Differential", parent: full },
  ] as const)("$type: its movers get it, and the generation names it", async ({ type, parent }) => {
    const scenario = await run(type, { sealed, policy: aPolicy().spec({ maxChain: 7 }).build() }).settle();
    const base = { id: parent, manifestSHA256: digestOf(parent) };
    expect(scenario.status).toMatchObject({
      result: "Complete",
      app: "Up",
      code: "",
      base: { generation: parent, manifestSHA256: base.manifestSHA256 },
      generation: { type, parent, consistency: "Quiesced" },
      display: { message: "10 files, 3 tables" },
    });
    expect(scenario.status.generation?.id).toMatch(new RegExp(`^00000.-.*-${type.toLowerCase()}$`));
    expect(taskOf(scenario, "preflight")).toMatchObject({ type, maxChain: 7 });
    expect(taskOf(scenario, "archive")).toMatchObject({ base, frozen: true });
    expect(taskOf(scenario, "seal")).toMatchObject({ base, type, id: scenario.status.generation?.id });
    expect(scenario.step("Warm")?.state).toBe("Done");
    expect(scenario.step("Preflight")?.message).toContain(`based on ${parent}`);
    expect(scenario.world.events.map(({ reason }) => reason)).not.toContain("FullInstead");
  });
});

describe("a run that has nothing to be based on", () => {
  test("makes a full one, and says so in the status, in the message and once as an event", async () => {
    const scenario = await run("Incremental").settle();
    expect(scenario.status).toMatchObject({
      result: "Complete",
      base: { full: "there is no full generation yet" },
      generation: { type: "Full", parent: "" },
      display: { message: `10 files, 3 tables; ${noFull}` },
    });
    expect(scenario.status.generation?.id).toMatch(/-full$/);
    for (const step of ["archive", "seal"] as const) expect(taskOf(scenario, step)).not.toHaveProperty("base");
    expect(taskOf(scenario, "seal")).toMatchObject({ type: "Full" });
    const told = scenario.world.events.filter(({ reason }) => reason === "FullInstead");
    expect(told).toEqual([expect.objectContaining({ type: "Normal", message: noFull })]);
  });
  test("says so while it runs, and when it fails", async () => {
    const scenario = run("Incremental", {
      script: { ending: (step) => (step === "seal" ? { code: "HO-A404" } : "ok") },
    });
    await scenario.until(() => scenario.step("Warm")?.state === "Done");
    expect(scenario.status.display?.message).toContain(noFull);
    await scenario.settle();
    expect(scenario.status.display?.message).toBe(`HO-A404 no luck; ${noFull}`);
  });
});

test("runs of other types ask for no base and take none", async () => {
  const base = { id: full, manifestSHA256: digestOf(full) };
  for (const type of ["Full", "Database"] as const) {
    const scenario = await run(type, { sealed, script: reporting("preflight", { base }) }).settle();
    expect(scenario.status).toMatchObject({ result: "Complete", generation: { type, parent: "" } });
    expect(scenario.status.base).toBeUndefined();
    for (const task of tasksOf(scenario)) {
      expect(task).not.toHaveProperty("base");
      expect(task).not.toHaveProperty("maxChain");
    }
  }
});

describe("what the preflight says of the base is judged before anything is stopped", () => {
  const good = { id: full, manifestSHA256: digestOf(full) };
  test.each<{ name: string; type?: GenerationType; base: unknown; says: string }>([
    { name: "nothing", base: undefined, says: "did not say what the Incremental generation is based on" },
    { name: "a dump", base: { ...good, id: dump }, says: `"${dump}" is nothing that` },
    {
      name: "an incremental one for a differential run",
      type: "Differential",
      base: { ...good, id: increment },
      says: "is nothing",
    },
    { name: "what is no id", base: { ...good, id: "../000001" }, says: '"../000001" is nothing that' },
    {
      name: "a type of a newer release",
      base: { ...good, id: "000001-20261120T010000Z-delta" },
      says: "is nothing that",
    },
    { name: "one from the future", base: { ...good, id: "000009-20261120T010000Z-full" }, says: "is newer than" },
    {
      name: "a digest that is none",
      base: { ...good, manifestSHA256: "x".repeat(64) },
      says: `the digest of ${full} is none`,
    },
  ])("$name: the run fails, and the app is never touched", async ({ type = "Incremental", base, says }) => {
    const scenario = await run(type, { sealed, script: reporting("preflight", { base }) }).settle();
    expect(scenario.status).toMatchObject({ result: "Failed", app: "Up", code: "HO-P116" });
    expect(scenario.step("Preflight")).toMatchObject({ state: "Failed", message: expect.stringContaining(says) });
    expect(scenario.status.base).toBeUndefined();
    expect(scenario.moverJobs.length).toBe(1);
    expect(scenario.world.writes.some(({ verb, plural }) => verb === "scale" || plural === "leases")).toBe(false);
    expect(scenario.condition("Stalled")).toBe("True Failed");
  });
});

describe("the base", () => {
  test("is on record before the app is stopped", async () => {
    const scenario = run("Incremental", { sealed });
    const known: unknown[] = [];
    scenario.world.beforeWrite.push(({ verb, plural }) => {
      if (verb === "scale" || plural === "leases") known.push(scenario.status.base?.generation);
    });
    await scenario.settle();
    expect(known.length).toBeGreaterThan(2);
    expect(new Set(known)).toEqual(new Set([increment]));
  });
  test("is the one on record, whatever the store has since and however often the controller dies", async () => {
    const scenario = run("Incremental", { sealed });
    await scenario.until(() => scenario.step("Preflight")?.state === "Done");
    scenario.kubelet.truth.sealed.add("000004-20261120T040000Z-full");
    for (const process of scenario.processes) process.restart();
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Complete", generation: { parent: increment } });
  });
});

test("a seal that reports another generation than it was asked for is a failure", async () => {
  const other = "000009-20261120T010000Z-full";
  const scenario = await run("Full", { script: reporting("seal", { id: other }) }).settle();
  expect(scenario.status).toMatchObject({ result: "Failed", app: "Up", code: "HO-A406" });
  expect(scenario.status.generation).toBeUndefined();
  expect(scenario.step("Seal")?.message).toContain(`reports ${other}`);
  expect(scenario.step("Transport/vault")?.state).toBe("Skipped");
});
