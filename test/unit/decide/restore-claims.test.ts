/** A restore is for the day on which things are gone: it needs one place to read from, and the volumes that it brings back. */
import { describe, expect, test } from "@jest/globals";
import { type Claim, type Job, type RestoreSpec, claims, jobs } from "../../../operator/api/kinds.ts";
import { taskVariable } from "../../../operator/contract/mounts.ts";
import { type TaskOf, parseTask } from "../../../operator/contract/task.ts";
import { aClaim, aPolicy, aRestore, sink } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

const store = "shop-backups";
const uploads = "shop-uploads";
const deleting = (name: string): Claim => ({
  ...aClaim(name),
  metadata: { ...aClaim(name).metadata, deletionTimestamp: "2026-11-21T01:00:00Z", finalizers: ["in-use"] },
});
const lost = (name: string): Claim => aClaim(name, "Lost");
const pending = (name: string): Claim => aClaim(name, "Pending");
const gone = (name: string): string => name;

const policy = aPolicy().sinks(sink("vault"), sink("offsite")).build();
async function restored(spec: Partial<RestoreSpec>, ...claimsNow: readonly (Claim | string)[]): Promise<Scenario> {
  const scenario = Scenario.restore({ policy, restore: aRestore().spec(spec).build() });
  for (const claim of claimsNow)
    if (typeof claim === "string") scenario.world.delete(claims, claim);
    else scenario.world.put(claims, claim);
  return await scenario.settle();
}

interface PodSpec {
  readonly containers: readonly { readonly env: readonly { readonly name: string; readonly value: string }[] }[];
  readonly volumes: readonly { readonly persistentVolumeClaim?: { readonly claimName: string } }[];
}
/** What the Job of the plan was told, and the claims that its pod needs in order to start. */
function planOf(scenario: Scenario): { readonly task: TaskOf<"plan">; readonly mounted: readonly string[] } {
  const made = scenario.world.writes.find(({ verb, plural }) => verb === "create" && plural === jobs.plural);
  const { template } = (made!.body as Job).spec as { template: { spec: PodSpec } };
  const { containers, volumes } = template.spec;
  const task = parseTask(containers[0]!.env.find(({ name }) => name === taskVariable)!.value);
  if (task.step !== "plan") throw new Error(`the first step is ${task.step}`);
  const mounted = volumes.flatMap(({ persistentVolumeClaim: claim }) => (claim === undefined ? [] : [claim.claimName]));
  return { task, mounted: mounted.toSorted() };
}

describe("a restore reads from where there is something to read", () => {
  const latest = { latest: true } as const;
  test.each<{
    name: string;
    from: RestoreSpec["from"];
    now: readonly (Claim | string)[];
    locations: readonly string[];
    mounted: readonly string[];
  }>([
    {
      name: "all there",
      from: latest,
      now: [],
      locations: ["source", "vault", "offsite"],
      mounted: ["offsite", store, uploads, "vault"],
    },
    {
      name: "the sinks are gone, the source is named",
      from: { ...latest, location: "source" },
      now: [gone("vault"), gone("offsite")],
      locations: ["source"],
      mounted: [store, uploads],
    },
    {
      name: "the store is gone, a sink is named",
      from: { ...latest, location: "vault" },
      now: [gone(store), gone("offsite")],
      locations: ["vault"],
      mounted: [uploads, "vault"],
    },
    {
      name: "the store is gone, nothing is named",
      from: latest,
      now: [gone(store)],
      locations: ["vault", "offsite"],
      mounted: ["offsite", uploads, "vault"],
    },
    {
      name: "the store is being deleted, a sink is lost",
      from: latest,
      now: [deleting(store), lost("vault")],
      locations: ["offsite"],
      mounted: ["offsite", uploads],
    },
    {
      name: "the store was made anew and waits for a volume that may never come",
      from: latest,
      now: [pending(store)],
      locations: ["vault", "offsite"],
      mounted: ["offsite", uploads, "vault"],
    },
    {
      name: "only a store that waits for its first pod is left",
      from: latest,
      now: [pending(store), gone("vault"), gone("offsite")],
      locations: ["source"],
      mounted: [store, uploads],
    },
  ])("$name", async ({ from, now, locations, mounted }) => {
    const scenario = await restored({ from }, ...now);
    const plan = planOf(scenario);
    expect(plan.task.locations.map(({ name }) => name)).toEqual(locations);
    expect(plan.mounted).toEqual(mounted);
    expect(scenario.status.result).toBe("Complete");
  });

  test("and the plan hears why a location is not asked, because it may have held a newer generation", async () => {
    const { task } = planOf(await restored({ from: latest }, gone(store), deleting("vault")));
    expect(task.passedOver).toEqual([
      "location source is passed over: PersistentVolumeClaim shop-backups does not exist",
      "location vault is passed over: PersistentVolumeClaim vault is being deleted",
    ]);
    expect(planOf(await restored({ from: { ...latest, location: "offsite" } }, gone(store))).task.passedOver).toEqual(
      [],
    );
  });
});

describe("a restore is refused for want of", () => {
  const all = [gone(store), deleting("vault"), lost("offsite")];
  test.each<{
    name: string;
    spec: Partial<RestoreSpec>;
    now: readonly (Claim | string)[];
    code: string;
    says: readonly string[];
  }>([
    {
      name: "the location that it names",
      spec: { from: { latest: true, location: "vault" } },
      now: [gone("vault")],
      code: "HO-P102",
      says: ["vault does not exist"],
    },
    {
      name: "any location, and each is named",
      spec: {},
      now: all,
      code: "HO-P102",
      says: ["shop-backups does not exist", "vault is being deleted", "offsite has lost its volume"],
    },
    { name: "a volume to bring back", spec: {}, now: [gone(uploads)], code: "HO-P102", says: [uploads] },
    { name: "a volume that is lost", spec: {}, now: [lost(uploads)], code: "HO-P103", says: [uploads] },
  ])("$name", async ({ spec, now, code, says }) => {
    const { status, world } = await restored(spec, ...now);
    expect(status).toMatchObject({ result: "Failed", code });
    for (const text of says) expect(status.steps?.[0]?.message).toContain(text);
    expect(world.all(jobs)).toEqual([]);
  });
});

describe("a restore does without", () => {
  test.each<{ name: string; spec: Partial<RestoreSpec>; now: readonly (Claim | string)[] }>([
    { name: "a volume that it does not include", spec: { include: { databases: ["shop"] } }, now: [gone(uploads)] },
    { name: "a pod that has used its volume, which was made anew", spec: {}, now: [pending(uploads)] },
  ])("$name", async ({ spec, now }) => {
    expect((await restored(spec, ...now)).status.result).toBe("Complete");
  });
});
