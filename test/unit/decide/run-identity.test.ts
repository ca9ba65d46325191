/** Each step tells its mover which store and which sinks to expect: those that the preflight of the run has found. */
import { expect, test } from "@jest/globals";
import { type PolicyStatus, policies } from "../../../operator/api/kinds.ts";
import { taskVariable } from "../../../operator/contract/mounts.ts";
import { parseTask } from "../../../operator/contract/task.ts";
import { aPolicy } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

const facts = (name: string): object => ({
  name,
  uuid: `${name}-found`,
  generations: 0,
  verified: 0,
  bytes: 0,
  freeBytes: 0,
});
/** Which places the movers are told to expect, by step. */
function expected(scenario: Scenario): Readonly<Record<string, readonly (string | undefined)[]>> {
  return Object.fromEntries(
    scenario.moverJobs.flatMap((job) => {
      const { template } = job.spec as {
        template: { spec: { containers: { env: { name: string; value: string }[] }[] } };
      };
      const task = parseTask(template.spec.containers[0]!.env.find(({ name }) => name === taskVariable)!.value);
      if (task.step === "transport" || task.step === "verify") return [[task.step, [task.sink.uuid]]];
      if (task.step !== "prune") return [];
      return [[`prune ${task.location.name}`, [task.location.uuid, ...task.requiredSinks.map(({ uuid }) => uuid)]]];
    }),
  );
}
const story = (locations: readonly object[], before: PolicyStatus = {}): Scenario =>
  Scenario.run({
    policy: aPolicy().status(before).build(),
    script: { reports: (step) => (step === "preflight" ? { locations } : undefined) },
  });

test("also when the policy is deleted meanwhile", async () => {
  const scenario = story([facts("source"), facts("vault")]);
  await scenario.until(() => scenario.step("Capture")?.state === "Running");
  scenario.world.delete(policies, "shop");
  await scenario.settle();
  expect(scenario.status.result).toBe("Complete");
  expect(expected(scenario)).toEqual({
    transport: ["vault-found"],
    verify: ["vault-found"],
    "prune source": ["source-found", "vault-found"],
    "prune vault": ["vault-found"],
  });
});

test("and of a sink that the preflight could not open, the one that the policy knows", async () => {
  const known = { locations: [{ name: "vault", uuid: "vault-known" }] };
  const scenario = await story([facts("source")], known).settle();
  expect(expected(scenario)).toMatchObject({
    transport: ["vault-known"],
    "prune source": ["source-found", "vault-known"],
  });
});
