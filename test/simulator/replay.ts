/**
 * Plays one case again, tells what happens in it, and looks for the shortest list of faults that still fails:
 *
 *   node test/simulator/replay.ts '{"story":"run","faults":[{"write":12,"die":"unanswered"}]}'
 */
import type { KubeObject } from "../../operator/api/kinds.ts";
import { formatInstant } from "../../operator/domain/instant.ts";
import { type Fault, type Plan, judge, play, prepare } from "./plan.ts";
import type { Scenario } from "./scenario.ts";
import type { Change } from "./world.ts";

const usage = `usage: node test/simulator/replay.ts PLAN

  PLAN: the JSON that a failing case prints after "replay:"
`;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const summary = (object: KubeObject | undefined): string => {
  if (object === undefined) return "is gone";
  const { spec, status } = object as KubeObject<{ replicas?: number } | undefined, { steps?: unknown[] } | undefined>;
  const steps = (status?.steps as { name: string; state: string; attempt?: number }[] | undefined)
    ?.filter(({ state }) => !["Pending", "Done", "Skipped"].includes(state))
    .map(({ name, state, attempt = 0 }) => `${name} ${state}${attempt > 1 ? ` ${attempt}` : ""}`);
  const record = object.metadata.annotations?.["backup.handover.dev/record"];
  return [
    ...(spec?.replicas === undefined ? [] : [`replicas ${spec.replicas}`]),
    ...(steps === undefined ? [] : [steps.join(", ")]),
    ...(record === undefined ? [] : [record]),
  ].join(" ");
};

function tell(scenario: Scenario): void {
  const { world } = scenario;
  let told = 0;
  world.onChange.add(({ resource, before, after }: Change) => {
    for (const { verb, plural, name } of world.writes.slice(told))
      say(`          we ${verb} ${plural}/${name} (write ${++told})`);
    const { name } = (after ?? before)?.metadata ?? { name: "" };
    const line = `${resource.plural}/${name} ${before === undefined ? "is new" : ""} ${summary(after)}`;
    if (JSON.stringify(summary(before)) !== JSON.stringify(summary(after)))
      say(`${formatInstant(world.now).slice(11)} ${line.slice(0, 400)}`);
  });
}

const fails = async (plan: Plan): Promise<string | undefined> => {
  try {
    await play(plan);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** Leaves out faults one after the other, as long as the case goes on failing. */
async function shrink(plan: Plan): Promise<Plan> {
  let smallest = plan;
  for (const fault of plan.faults) {
    const without: readonly Fault[] = smallest.faults.filter((one) => one !== fault);
    if ((await fails({ ...smallest, faults: without })) !== undefined) smallest = { ...smallest, faults: without };
  }
  return smallest;
}

const [text] = process.argv.slice(2);
if (text === undefined || text === "--help") {
  process.stdout.write(usage);
  process.exit(text === undefined ? 2 : 0);
}
const plan = JSON.parse(text) as Plan;
const why = await fails(plan);
if (why !== undefined) {
  const smallest = await shrink(plan);
  say(`${(await fails(smallest)) ?? ""}\n`);
  const prepared = prepare(smallest);
  tell(prepared.scenario);
  await judge(smallest, prepared).catch(() => undefined);
  process.exit(1);
}
const prepared = prepare(plan);
tell(prepared.scenario);
await judge(plan, prepared);
say("\nno law was broken");
