/**
 * At the begin of each step, somebody cancels, deletes, edits or replaces something. However it ends, the app runs as it should,
 * nothing of ours is left, and the record says why.
 */
import { describe, expect, jest, test } from "@jest/globals";
import {
  type BackupPolicy,
  type BackupRun,
  type Job,
  type Workload,
  claims,
  deployments,
  jobs,
  leases,
  policies,
} from "../../../operator/api/kinds.ts";
import { labels } from "../../../operator/api/names.ts";
import { aClaim, aPolicy, aRestore, aRun, aWorkload } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";
import { type SubjectKind, subjects } from "../../simulator/subjects.ts";

jest.setTimeout(900_000);

/** The same name, and another uid. */
const again = { run: aRun().meta({ uid: "again" }).build(), restore: aRestore().meta({ uid: "again" }).build() };

/** Result and code by step; `else` for the other steps. Empty: there is no such object any more. */
type Ends = Readonly<Record<string, string>> & { readonly else: string };
interface Event {
  readonly name: string;
  readonly does: (scenario: Scenario, kind: SubjectKind) => void;
  readonly run: Ends;
  readonly restore: Ends;
}
const complete: Ends = { else: "Complete" };
const gone: Ends = { else: "" };
const byForce = ({ world }: Scenario, kind: SubjectKind): void => {
  const { resource, name } = subjects[kind];
  world.meta(resource, name, { finalizers: [] });
  world.delete(resource, name);
};
const activeJob = ({ world, activeJobs: [name = ""] }: Scenario): Job | undefined => world.find<Job>(jobs, name);
const dropped = (scenario: Scenario): Job | undefined => {
  const job = activeJob(scenario);
  if (job !== undefined) scenario.world.delete(jobs, job.metadata.name);
  return job;
};

const events: readonly Event[] = [
  {
    name: "it is cancelled",
    does: (scenario) => scenario.cancel(),
    run: {
      else: "Failed HO-X003",
      "Transport/vault": "AtRisk HO-X003",
      "Verify/vault": "AtRisk HO-X003",
      "Prune/source": "Complete HO-X003",
      "Prune/vault": "Complete HO-X003",
    },
    restore: { else: "Failed HO-X003", Swap: "Complete", GiveBack: "Complete", Cleanup: "Complete" },
  },
  { name: "it is deleted", does: (scenario) => scenario.delete(), run: gone, restore: gone },
  { name: "it is deleted by force", does: byForce, run: gone, restore: gone },
  {
    name: "it is deleted by force and made anew",
    does: (scenario, kind) => {
      byForce(scenario, kind);
      scenario.world.put(subjects[kind].resource, again[kind] as BackupRun);
    },
    run: complete,
    restore: complete,
  },
  {
    name: "its policy is deleted",
    does: ({ world }) => world.delete(policies, "shop"),
    run: complete,
    restore: complete,
  },
  {
    name: "its policy is made anew",
    does: ({ world }) => {
      world.delete(policies, "shop");
      world.put(policies, aPolicy().meta({ uid: "again" }).sinks().build());
    },
    run: complete,
    restore: complete,
  },
  {
    name: "its policy is edited",
    does: ({ world }) =>
      world.change<BackupPolicy>(policies, "shop", ({ spec }) => ({
        spec: { ...spec, sinks: [], databases: [], volumes: [], app: { ...spec.app, quiesce: "None", workloads: [] } },
      })),
    run: complete,
    restore: complete,
  },
  {
    name: "the workload is deleted",
    does: ({ world }) => world.delete(deployments, "shop"),
    run: {
      else: "Complete",
      Preflight: "Failed HO-S211",
      Warm: "Failed HO-S211",
      Quiesce: "Failed HO-S211",
      Capture: "Failed HO-S209",
      GiveBack: "Complete HO-S210",
    },
    restore: {
      else: "Complete",
      Plan: "Failed HO-S211",
      Stage: "Failed HO-S211",
      Quiesce: "Failed HO-S211",
      Swap: "Failed HO-R808",
      GiveBack: "Failed HO-S210",
    },
  },
  {
    name: "the workload is made anew",
    does: ({ world }) => {
      world.delete(deployments, "shop");
      world.put(deployments, aWorkload().replicas(3).meta({ uid: "again" }).build());
    },
    run: {
      else: "Complete",
      Preflight: "Failed HO-S211",
      Warm: "Failed HO-S211",
      Quiesce: "Failed HO-S211",
      Capture: "Failed HO-S209",
    },
    restore: {
      else: "Complete",
      Plan: "Failed HO-S211",
      Stage: "Failed HO-S211",
      Quiesce: "Failed HO-S211",
      Swap: "Failed HO-R808",
    },
  },
  {
    name: "the workload is edited",
    does: ({ world }) =>
      world.change<Workload>(deployments, "shop", ({ spec }) => ({
        spec: { ...spec, selector: { matchLabels: { app: "shop" }, matchExpressions: [] } },
      })),
    run: { else: "Complete", Capture: "Failed HO-S209" },
    restore: { else: "Complete", Swap: "Failed HO-R808" },
  },
  {
    name: "the workload is scaled",
    does: (scenario) => scenario.scaleByHand(2),
    run: { else: "Complete", Capture: "Failed HO-S209" },
    restore: { else: "Complete", Swap: "Failed HO-R808" },
  },
  {
    name: "the claim of its volume is being deleted",
    does: ({ world }) => world.meta(claims, "shop-uploads", { deletionTimestamp: world.stamp() }),
    run: { else: "Complete", Preflight: "Failed HO-P102", Warm: "Failed HO-P102", Quiesce: "Failed HO-P102" },
    restore: complete,
  },
  {
    name: "the claim of its volume is made anew",
    does: ({ world }) => {
      world.delete(claims, "shop-uploads");
      world.put(claims, { ...aClaim("shop-uploads"), metadata: { ...aClaim("shop-uploads").metadata, uid: "again" } });
    },
    run: complete,
    restore: complete,
  },
  {
    name: "its Job is deleted",
    does: (scenario) => void dropped(scenario),
    // The app is still down when the capture begins again; its first pod has left nothing that counts.
    run: { else: "Complete", GiveBack: "Failed HO-X001" },
    restore: complete,
  },
  {
    name: "its Job is somebody else's now",
    does: (scenario) => {
      const job = dropped(scenario);
      if (job !== undefined)
        scenario.world.put<Job>(jobs, {
          ...job,
          metadata: { ...job.metadata, uid: "again", labels: {}, ownerReferences: [] },
          status: { conditions: [{ type: "Complete", status: "True" }] },
        });
    },
    run: { else: "Complete", Capture: "Failed HO-P114", GiveBack: "Failed HO-X001" },
    restore: complete,
  },
  {
    name: "the quiesce record is deleted",
    does: (scenario) => {
      scenario.laws.mayForget = true;
      for (const { metadata } of scenario.records) scenario.world.delete(leases, metadata.name);
    },
    run: { else: "Complete", Capture: "Failed HO-S209" },
    restore: { else: "Complete", Swap: "Failed HO-R808" },
  },
];

async function play(kind: SubjectKind, phase: string, does: Event["does"]): Promise<Scenario> {
  const scenario = new Scenario(subjects[kind].story);
  await scenario.until(() => scenario.step(phase)?.state === "Running");
  // The Jobs of the step are there, if it has any.
  scenario.world.advance(scenario.world.now + 60);
  does(scenario, kind);
  return scenario.settle();
}
function expectRest(scenario: Scenario): void {
  const ours = scenario.activeJobs.filter(
    (name) => scenario.world.find(jobs, name)?.metadata.labels?.[labels.owner] !== undefined,
  );
  expect([scenario.records, ours]).toEqual([[], []]);
  // Of a workload that somebody has deleted there is nothing to say.
  const wanted = [...scenario.laws.replicas].filter(([name]) => scenario.world.find(deployments, name) !== undefined);
  expect(wanted.map(([name]) => [name, scenario.replicas(name)])).toEqual(wanted);
}
function endOf({ world }: Scenario, kind: SubjectKind): string {
  const { resource, name } = subjects[kind];
  const object = world.find<BackupRun>(resource, name);
  if (object === undefined) return "";
  expect(object.metadata.finalizers ?? []).toEqual([]);
  expect(object.status?.conditions?.find(({ type }) => type === "Finished")?.status).toBe("True");
  return `${object.status?.result} ${object.status?.code}`.trim();
}

describe.each(events)("$name", ({ does, ...ends }) => {
  test.each(["run", "restore"] as const)("at each step of a %s", async (kind) => {
    const found: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const phase of subjects[kind].phases) {
      const scenario = await play(kind, phase, does);
      expectRest(scenario);
      found[phase] = endOf(scenario, kind);
      expected[phase] = ends[kind][phase] ?? ends[kind].else;
    }
    expect(found).toEqual(expected);
  });
});
