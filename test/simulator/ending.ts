/** What every story ends with, however it went. */
import { isFinished } from "../../operator/api/conditions.ts";
import { type BackupRun, type Job, type RestoreRequest, jobs, restores, runs } from "../../operator/api/kinds.ts";
import { finalizer } from "../../operator/api/names.ts";
import type { Scenario } from "./scenario.ts";
import { isFinishedJob } from "./world.ts";

export class BadEnding extends Error {}
const bad = (what: string, detail: unknown): never => {
  throw new BadEnding(`${what}: ${typeof detail === "string" ? detail : JSON.stringify(detail)}`);
};

/** @throws BadEnding when an app is not where it belongs, something is left over, or a status tells what is not so. */
export async function judgeEnd(scenario: Scenario): Promise<void> {
  const { world, laws } = scenario;
  const owners = [...world.all<BackupRun>(runs), ...world.all<RestoreRequest>(restores)];
  const kept = laws.isHalf && owners.some((owner) => !isFinished(owner));
  for (const owner of owners) {
    if (!isFinished(owner) && !kept)
      bad("L2 every run comes to an end", { name: owner.metadata.name, steps: owner.status?.steps });
    if (isFinished(owner) && owner.metadata.finalizers?.includes(finalizer) === true)
      bad("L4 what is over holds nothing", owner.metadata.name);
    if (owner.metadata.deletionTimestamp !== undefined && !kept) bad("L4 what is deleted goes", owner.metadata.name);
  }
  if (kept) return;
  for (const [name, replicas] of laws.replicas)
    if (laws.workload(name)?.spec.replicas !== replicas)
      bad("L1 every app is back", `${name} has ${laws.workload(name)?.spec.replicas} replicas, not ${replicas}`);
  if (scenario.records.length > 0) bad("S27 no record is left", scenario.records);
  if (scenario.activeJobs.length > 0) bad("S27 no Job runs on", scenario.activeJobs);
  const guards = world.all<Job>(jobs).filter((job) => job.metadata.name.startsWith("handover-guard"));
  if (guards.some((job) => !isFinishedJob(job)))
    bad(
      "S27 no guard is left",
      guards.map(({ metadata }) => metadata.name),
    );
  for (const { metadata, status } of owners) {
    const copies = status !== undefined && "copies" in status ? (status.copies ?? []) : [];
    if (status?.app === "Up" && !isUp(scenario)) bad("S28 an app that is told to be up is up", metadata.name);
    if (
      status?.result === "Complete" &&
      copies.some(({ state, required }) => required && state !== "Verified" && state !== "Pruned")
    )
      bad("S28 complete is what has every required copy", metadata.name);
  }
  await judgeSilence(scenario);
}

const isUp = ({ laws }: Scenario): boolean =>
  [...laws.replicas.keys()].every((name) => {
    const workload = laws.workload(name);
    return workload === undefined || (workload.status?.readyReplicas ?? 0) >= (workload.spec.replicas ?? 1);
  });

/** Silence: another look at an unchanged world changes nothing and says nothing. */
async function judgeSilence(scenario: Scenario): Promise<void> {
  const { world } = scenario;
  const { version } = world;
  const told = world.events.length;
  await scenario.lookAgain();
  if (world.version !== version) bad("silence: another look changes nothing", world.writes.at(-1) ?? "");
  if (world.events.length > told) bad("silence: another look tells nothing", world.events.at(-1) ?? "");
}
