/** Runs that are made of generations, after the records of them were lost: whole stories with lists, pages and crashes, and what must not be. */
import { describe, expect, test } from "@jest/globals";
import {
  type BackupPolicy,
  type BackupRun,
  type Job,
  type PolicySpec,
  jobs,
  policies,
  runs,
} from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { Scenario } from "../../simulator/scenario.ts";
import { aPolicy, aRun, at, settings, sink } from "../../support/builders.ts";

const ids = [1, 2, 3, 4, 5].map((number) => `00000${number}-2026110${number}T010000Z-full`);
const asking = (text: string): BackupPolicy =>
  aPolicy()
    .sinks(sink("vault"), sink("offsite", { required: false }))
    .annotated(annotations.adopt, text)
    .build();

/** A cluster whose objects are gone, and a vault with five generations, the last of which nobody has checked. */
function lost(text = "vault", story: ConstructorParameters<typeof Scenario>[0] = {}): Scenario {
  const scenario = new Scenario({ policy: asking(text), ...story });
  scenario.kubelet.truth.sinks.set("vault", { stored: new Set(ids), verified: new Set(ids.slice(0, 4)) });
  return scenario;
}
const policyIn = ({ world }: Scenario): BackupPolicy => world.find<BackupPolicy>(policies, "shop")!;
const runsIn = ({ world }: Scenario): readonly BackupRun[] =>
  world.all<BackupRun>(runs).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
const annotate = ({ world }: Scenario, text: string | undefined): void =>
  world.meta(policies, "shop", { annotations: text === undefined ? {} : { [annotations.adopt]: text } });

/** A run of before, as a controller has left it. */
function left(name: string, id: string): BackupRun {
  const run = aRun(name).finished("Complete", id).build();
  const conditions = run.status?.conditions?.map((condition) => ({ ...condition, observedGeneration: 1 })) ?? [];
  return { ...run, status: { ...run.status, conditions } };
}

describe("an adoption", () => {
  test("makes a finished run of each generation, page by page, and starts, stops and prunes nothing", async () => {
    const scenario = await lost().settle();
    expect(policyIn(scenario).status?.adoption).toMatchObject({
      state: "Done",
      location: "vault",
      found: 5,
      adopted: 5,
      message: "5 runs made of 5 generations at vault",
    });
    expect(policyIn(scenario).status?.adoption?.step).toBeUndefined();
    expect(runsIn(scenario).map(({ metadata }) => metadata.name)).toEqual([1, 2, 3, 4, 5].map((n) => `shop-00000${n}`));
    const [first, , , , last] = runsIn(scenario);
    expect(first?.status).toMatchObject({
      result: "Complete",
      phase: "Done",
      seq: 1,
      policyUID: "shop-policy-uid",
      generation: { id: ids[0], type: "Full", storedBytes: 600, files: 10, tables: 3 },
      copies: [{ location: "vault", state: "Verified", required: true }],
      steps: [],
    });
    expect(first?.status?.conditions?.find(({ type }) => type === "Adopted")).toMatchObject({ status: "True" });
    expect(last?.status).toMatchObject({ result: "AtRisk", copies: [{ location: "vault", state: "Stored" }] });
    // Three Jobs that list, and no other; all of them are gone again.
    expect(scenario.moverJobs.map(({ metadata }) => metadata.name)).toEqual(
      [1, 2, 3].map((n) => `shop-catalogue-vault-${n}-1`),
    );
    expect(scenario.world.all<Job>(jobs)).toEqual([]);
    expect(scenario.replicas()).toBe(3);
    expect(scenario.kubelet.truth.sinks.get("vault")?.stored.size).toBe(5);
    expect(scenario.world.events).toContainEqual(expect.objectContaining({ type: "Normal", reason: "Adopted" }));
  });

  test("is worth what the generations have, not what the policy asks for by now", async () => {
    const asked = async (change: Partial<PolicySpec>): Promise<BackupPolicy> => {
      const policy = aPolicy().sinks(sink("vault")).annotated(annotations.adopt, "vault").spec(change).build();
      return policyIn(await lost("vault", { policy }).settle());
    };
    expect((await asked({})).status).toMatchObject({ state: "Protected", lastComplete: { run: "shop-000004" } });
    const moved = { name: "uploads", claimName: "other", class: "Data" as const, paths: ["."], exclude: [] };
    const { status } = await asked({ volumes: [moved] });
    expect(status).toMatchObject({
      state: "AtRisk",
      display: { message: expect.stringContaining("no volume uploads") },
    });
    expect(status?.lastComplete).toBeUndefined();
  });

  test("of a generation that is held, the run is, too", async () => {
    const scenario = lost();
    scenario.kubelet.truth.held.set(ids[1]!, { until: "2027-01-01T00:00:00.000Z", reason: "audit 2026" });
    await scenario.settle();
    const holds = runsIn(scenario).map(({ metadata }) => metadata.annotations?.[annotations.hold]);
    expect(holds).toEqual([undefined, "2027-01-01T00:00:00.000Z audit 2026", undefined, undefined, undefined]);
  });

  test("its Jobs mount the location alone, read-only, and get no Secret", async () => {
    const scenario = await lost().settle();
    for (const { spec } of scenario.moverJobs) {
      const { containers, volumes } = (
        spec as { template: { spec: { containers: { volumeMounts: object[] }[]; volumes: { name: string }[] } } }
      ).template.spec;
      expect(volumes.map(({ name }) => name)).toEqual(["sink-vault", "scratch", "signal"]);
      expect(containers[0]?.volumeMounts).toContainEqual(
        expect.objectContaining({ name: "sink-vault", readOnly: true }),
      );
    }
  });

  test("runs that are there stay as they are, and asked again it makes what is missing by then", async () => {
    const scenario = await lost("vault", { runs: [left("mine", ids[1]!)], sealed: [ids[1]!] }).settle();
    expect(runsIn(scenario).map(({ metadata }) => metadata.name)).toEqual([
      "mine",
      "shop-000001",
      "shop-000003",
      "shop-000004",
      "shop-000005",
    ]);
    scenario.world.delete(runs, "shop-000003");
    annotate(scenario, "vault again");
    await scenario.settle();
    expect(runsIn(scenario)).toHaveLength(5);
    expect(policyIn(scenario).status?.adoption).toMatchObject({ state: "Done", request: "vault again" });
  });

  test("from another place completes what is known of the copies, and makes what only that place has", async () => {
    const own = "000006-20261106T010000Z-full";
    const scenario = lost();
    for (const id of [ids[2]!, ids[3]!, own]) scenario.kubelet.truth.sealed.add(id);
    await scenario.settle();
    const copiesOf = (number: number): unknown =>
      runsIn(scenario)
        .find(({ status }) => status?.seq === number)
        ?.status?.copies?.map(({ location, state, required }) => `${location} ${state} ${required}`);
    expect(copiesOf(3)).toEqual(["vault Verified true"]);
    annotate(scenario, "source");
    await scenario.settle();
    expect(policyIn(scenario).status?.adoption).toMatchObject({
      state: "Done",
      adopted: 1,
      message: "1 run made of 3 generations at source, 2 had one before",
    });
    expect([2, 3, 4, 6].map(copiesOf)).toEqual([
      ["vault Verified true"],
      ["source Verified true", "vault Verified true"],
      ["source Verified true", "vault Verified true"],
      ["source Verified true", "vault Missing true"],
    ]);
    const writes = scenario.world.writes.length;
    await scenario.settle();
    expect(scenario.world.writes.slice(writes)).toEqual([]);
  });

  test("from a required sink, what was made of the source is complete", async () => {
    const scenario = lost("source");
    scenario.kubelet.truth.sealed.add(ids[3]!);
    scenario.kubelet.truth.sealed.add(ids[4]!);
    await scenario.settle();
    expect(runsIn(scenario).map(({ status }) => status?.result)).toEqual(["AtRisk", "AtRisk"]);
    annotate(scenario, "vault");
    await scenario.settle();
    expect(runsIn(scenario).map(({ status }) => `${status?.seq} ${status?.result}`)).toEqual([
      "1 Complete",
      "2 Complete",
      "3 Complete",
      "4 Complete",
      "5 AtRisk",
    ]);
  });

  test("a name that is another run's is passed by", async () => {
    const other = "000006-20261120T010000Z-full";
    const scenario = lost("vault", { runs: [left("shop-000002", other)], sealed: [other] });
    scenario.kubelet.truth.sinks.get("vault")?.verified.add(other);
    await scenario.settle();
    expect(runsIn(scenario).map(({ metadata }) => metadata.name)).toContain("shop-000002-1");
    expect(policyIn(scenario).status?.adoption).toMatchObject({ state: "Done", adopted: 5 });
  });

  test("the controller may die at each write, and another one brings it to the same end", async () => {
    let writes = 0;
    const reads = new Set(["get", "list", "watch"]);
    await lost("vault", { processes: [{ fault: ({ verb }) => void (reads.has(verb) || writes++) }] }).settle();
    expect(writes).toBeGreaterThan(15);
    for (const die of ["unsent", "unanswered", "answered"] as const)
      for (let fatal = 1; fatal <= writes; fatal++) {
        let seen = 0;
        const fault = ({ verb }: { readonly verb: string }) =>
          !reads.has(verb) && ++seen === fatal ? { die } : undefined;
        const scenario = await lost("vault", { processes: [{ fault, restartsAfter: 5_000 }] }).settle();
        const made = runsIn(scenario).map(({ status }) => `${status?.generation?.id} ${status?.result}`);
        expect([die, fatal, made]).toEqual([
          die,
          fatal,
          ids.map((id, index) => `${id} ${index < 4 ? "Complete" : "AtRisk"}`),
        ]);
        expect(policyIn(scenario).status?.adoption).toMatchObject({ state: "Done", adopted: 5 });
        expect(scenario.world.all(jobs)).toEqual([]);
      }
  });

  test("done is done: nothing is written any more while the annotation stays", async () => {
    const scenario = await lost().settle();
    const writes = scenario.world.writes.length;
    await scenario.settle();
    expect(scenario.world.writes.slice(writes)).toEqual([]);
  });

  test("a location that the policy does not have is told of, and no Job is made", async () => {
    const scenario = await lost("valut").settle();
    expect(policyIn(scenario).status?.adoption).toMatchObject({
      state: "Failed",
      code: "HO-K705",
      message: expect.stringContaining("it has source, vault, offsite"),
    });
    expect(scenario.moverJobs).toEqual([]);
  });

  test("taken back meanwhile, it ends, with its Job", async () => {
    const scenario = lost();
    await scenario.until(() => scenario.world.all(jobs).length > 0);
    annotate(scenario, undefined);
    await scenario.settle();
    expect(policyIn(scenario).status?.adoption).toMatchObject({ state: "Failed", code: "HO-X003" });
    expect(scenario.world.all(jobs)).toEqual([]);
  });
});

describe("a run that says that it was adopted", () => {
  const decide = (policy: BackupPolicy | undefined) => {
    const run = aRun("forged").annotated(annotations.adopted, `vault/${ids[0]}`).build();
    const app = {
      workloads: new Map(),
      records: new Map(),
      claims: new Map(),
      autoscalers: [],
      pods: [],
      lastStates: new Map(),
    };
    return decideRun({ run, policy, siblings: [], restores: [], app, jobs: new Map(), settings }, at("02:00"));
  };

  test("and of which no listing knows, fails, and starts nothing", () => {
    for (const policy of [aPolicy().build(), undefined]) {
      const { status, actions } = decide(policy);
      expect(status).toMatchObject({ result: "Failed", code: "HO-K705" });
      expect(status.generation).toBeUndefined();
      expect(actions).toEqual([]);
    }
  });

  test("nor does the listing of another location speak for it", async () => {
    const scenario = lost();
    await scenario.until(() => policyIn(scenario).status?.adoption?.step?.state === "Done");
    const { status } = policyIn(scenario);
    const elsewhere = {
      ...policyIn(scenario),
      status: { ...status, adoption: { ...status!.adoption!, location: "offsite" } },
    };
    expect(decide(policyIn(scenario)).status).toMatchObject({ generation: { id: ids[0] } });
    expect(decide(elsewhere).status).toMatchObject({ result: "Failed", code: "HO-K705" });
  });

  test("says nothing of how runs go: what they have brought, and the state of the policy, are judged without it", async () => {
    const newer = "000006-20261120T010000Z-full";
    const scenario = lost("vault", { runs: [left("real", newer)], sealed: [newer] });
    scenario.kubelet.truth.sinks.get("vault")?.verified.add(newer);
    await scenario.settle();
    // The newest object is AtRisk, but it is a record of an older generation.
    expect(policyIn(scenario).status).toMatchObject({ state: "Protected", lastComplete: { run: "real" } });
  });
});
