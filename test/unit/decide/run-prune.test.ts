/** Prunes of a run: in two rounds where something is to go; refused; told what is held, acknowledged and to be taken back. */
import { describe, expect, test } from "@jest/globals";
import { type BackupPolicy, type BackupRun, policies } from "../../../operator/api/kinds.ts";
import { taskVariable } from "../../../operator/contract/mounts.ts";
import { type MoverTask, type TaskOf, parseTask } from "../../../operator/contract/task.ts";
import type { Script } from "../../simulator/kubelet.ts";
import { Scenario } from "../../simulator/scenario.ts";
import { aPolicy, aRun } from "../../support/builders.ts";

const refusal = "HO-K701: 5 of 8 generations would be removed at once, at most 4 may be without an acknowledgement";
const digest = "0123456789abcdef".repeat(4);
const plan = { digest, removes: 5 };
const refusing = (at: string): Script => ({
  reports: (step) =>
    step === at ? { refused: refusal, plan, remove: [{ id: "x", why: "beyond last 3" }] } : undefined,
});

/** What Jobs were made for, in order. */
const tasksOf = ({ moverJobs }: Scenario): readonly MoverTask[] =>
  moverJobs.flatMap((job) => {
    const { template } = job.spec as {
      readonly template: {
        readonly spec: {
          readonly containers: readonly { readonly env: readonly { name: string; value?: string }[] }[];
        };
      };
    };
    return parseTask(template.spec.containers[0]!.env.find(({ name }) => name === taskVariable)!.value!);
  });
const prunes = (scenario: Scenario): readonly (TaskOf<"prune"> & { readonly place: string })[] =>
  tasksOf(scenario).flatMap((task) => (task.step === "prune" ? [{ ...task, place: task.location.name }] : []));
const policyCondition = ({ world }: Scenario): unknown =>
  world.find<BackupPolicy>(policies, "shop")?.status?.conditions?.find(({ type }) => type === "Pruning");

describe("a prune that refuses", () => {
  test("leaves the run complete, and is told of with what to do next", async () => {
    const scenario = await Scenario.run({ script: refusing("prune/vault") }).settle();
    expect(scenario.status).toMatchObject({ result: "Complete", app: "Up", code: "HO-K701" });
    expect(scenario.step("Prune/vault")).toMatchObject({ state: "Done", code: "HO-K701" });
    expect([scenario.condition("Pruned"), scenario.condition("Succeeded")]).toEqual([
      "False PruneRefused",
      "True Complete",
    ]);
    expect(scenario.status.advice).toBe(
      "HO-K701 nothing was removed at vault: 5 of 8 generations would be removed at once, at most 4 may be without an acknowledgement. " +
        "App: not affected. Data: nothing was removed. " +
        "Next: kubectl -n shop annotate bpol shop backup.handover.dev/acknowledge-prune=0123456789ab --overwrite",
    );
    expect(scenario.world.events).toContainEqual(expect.objectContaining({ type: "Warning", reason: "PruneRefused" }));
    // Its plan is on record, one Job has made it, and the policy says that somebody is waited for.
    expect(scenario.status.retention?.find(({ location }) => location === "vault")).toMatchObject({
      state: "Waiting",
      ...plan,
      remove: [{ id: "x", why: "beyond last 3" }],
    });
    expect(prunes(scenario).filter(({ place }) => place === "vault")).toHaveLength(1);
    expect(policyCondition(scenario)).toMatchObject({
      status: "False",
      reason: "PruneRefused",
      message:
        "an acknowledgement is waited for. vault: 5 generations would go at once, plan 0123456789ab. " +
        "Next: kubectl -n shop annotate bpol shop backup.handover.dev/acknowledge-prune=0123456789ab --overwrite",
    });
  });

  test("is not why a run is at risk", async () => {
    const scenario = Scenario.run({ script: refusing("prune/source") });
    await scenario.until(() => scenario.step("Transport/vault")?.state === "Done");
    scenario.kubelet.truth.sinks.get("vault")!.stored.clear();
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "AtRisk", code: "HO-V602" });
    expect(scenario.condition("Pruned")).toBe("False PruneRefused");
  });
});

describe("a prune that removes", () => {
  test("plans, has the plan on record, and acts upon that one with another Job", async () => {
    const scenario = Scenario.run({ script: { superseded: 2 } });
    await scenario.until(() => scenario.step("Prune/source")?.approved !== undefined);
    const planned = scenario.status.retention![0]!;
    expect(planned).toMatchObject({ location: "source", state: "Planned", removes: 2 });
    expect(planned.remove).toEqual(
      scenario.kubelet.truth.superseded
        .get("source")!
        .values()
        .toArray()
        .map((id) => ({ id, why: "beyond last 2" })),
    );
    expect(scenario.step("Prune/source")).toMatchObject({
      state: "Waiting",
      approved: planned.digest,
      message: `2 generations to be removed, plan ${planned.digest!.slice(0, 12)}`,
    });
    expect(scenario.kubelet.truth.superseded.get("source")!.size).toBe(2);
    await scenario.settle();
    expect(scenario.status).toMatchObject({ result: "Complete", code: "" });
    expect(
      scenario.status.retention!.map(({ location, state, removes, plannedAt }) => [
        location,
        state,
        removes,
        plannedAt !== undefined,
      ]),
    ).toEqual([
      ["source", "Done", 2, true],
      ["vault", "Done", 2, true],
    ]);
    expect(scenario.status.retention![0]).toMatchObject({
      digest: planned.digest,
      plannedAt: planned.plannedAt,
      remove: planned.remove,
    });
    expect(prunes(scenario).map(({ place, approved }) => [place, approved === undefined])).toEqual([
      ["source", true],
      ["source", false],
      ["vault", true],
      ["vault", false],
    ]);
    expect(scenario.step("Prune/vault")).toMatchObject({
      state: "Done",
      attempt: 2,
      message: "1 generation kept, 2 removed",
    });
    expect(policyCondition(scenario)).toMatchObject({ status: "True", reason: "Done" });
  });

  test("needs one Job when there is nothing to remove", async () => {
    const scenario = await Scenario.run().settle();
    expect(prunes(scenario)).toHaveLength(2);
    expect(scenario.status.retention).toMatchObject([
      { location: "source", state: "Done", removes: 0, kept: [{ why: "newest verified", sequences: "1" }] },
      { location: "vault", state: "Done", removes: 0 },
    ]);
  });

  test("whose plan is another each time fails after some rounds, and the run is complete all the same", async () => {
    let round = 0;
    const reports = (step: string): object | undefined =>
      step === "prune/vault" ? { plan: { digest: `${++round}`.padStart(64, "0"), removes: round } } : undefined;
    const scenario = await Scenario.run({ script: { reports } }).settle();
    expect(scenario.step("Prune/vault")).toMatchObject({ state: "Failed", code: "HO-K704", attempt: 5, rounds: 4 });
    expect(scenario.step("Prune/vault")?.message).toBe("5 plans were made, and none could be acted upon");
    expect(scenario.status).toMatchObject({ result: "Complete", code: "HO-K704" });
  });

  test("an attempt that fails counts as one, a round does not", async () => {
    const failing = (step: string, attempt: number) =>
      step === "prune/vault" && attempt > 1 && attempt < 4 ? ({ code: "HO-K703", retry: true } as const) : undefined;
    const scenario = await Scenario.run({ script: { superseded: 1, ending: failing } }).settle();
    expect(scenario.step("Prune/vault")).toMatchObject({ state: "Done", attempt: 4, rounds: 1 });
  });
});

describe("what it is told", () => {
  const done = (name: string, id: string, hold?: string, policyUID = aPolicy().build().metadata.uid): BackupRun => ({
    ...aRun(name).build(),
    metadata: {
      ...aRun(name).build().metadata,
      ...(hold === undefined ? {} : { annotations: { "backup.handover.dev/hold": hold } }),
    },
    status: {
      policyUID,
      generation: { id },
      copies: [{ location: "attic", state: "Stored", required: false }],
      conditions: [
        {
          type: "Finished",
          status: "True",
          reason: "Complete",
          message: "",
          lastTransitionTime: "2026-11-01T00:00:00Z",
        },
      ],
    },
  });
  const annotated = (annotations: Readonly<Record<string, string>>): BackupPolicy => {
    const policy = aPolicy().build();
    const full = Object.fromEntries(
      Object.entries(annotations).map(([name, value]) => [`backup.handover.dev/${name}`, value]),
    );
    return { ...policy, metadata: { ...policy.metadata, annotations: full } };
  };

  test("holds of all runs of the policy object, and whose runs there are", async () => {
    const others = [
      done("old-3", "000003-20261103T010000Z-full", "2026-12-24T00:00:00Z audit"),
      done("old-4", "000004-20261104T010000Z-full"),
      done("old-5", "000005-20261105T010000Z-full", "until easter"),
      done("former", "000007-20261105T010000Z-full", "forever x", "another uid"),
    ];
    const scenario = await Scenario.run({ runs: others }).settle();
    const preflight = tasksOf(scenario).find(({ step }) => step === "preflight") as TaskOf<"preflight">;
    expect(preflight.trash).toMatchObject({ millis: 86_400_000, known: { ranges: "3-5" } });
    expect(preflight.trash?.holds).toEqual(prunes(scenario)[0]?.holds);
    for (const task of prunes(scenario)) {
      expect(task.holds).toEqual([
        { id: "000003-20261103T010000Z-full", until: "2026-12-24T00:00:00.000Z", reason: "audit" },
        { id: "000005-20261105T010000Z-full", until: "forever", reason: "unreadable hold: until easter" },
      ]);
      expect(task.known).toEqual({ since: 1, ranges: "1,3-5" });
    }
    expect(scenario.step("Prune/vault")?.message).toBe(
      "1 generation kept, 0 removed; the hold of run old-5 cannot be read, so it holds for ever",
    );
  });

  test("acknowledgements that are digests, and what to take back", async () => {
    const policy = annotated({
      "acknowledge-prune": "0123456789ab, true,XYZ,0123456789abcdef",
      undelete: "000012,000013",
    });
    const [task] = prunes(await Scenario.run({ policy }).settle());
    expect(task).toMatchObject({ acknowledged: ["0123456789ab", "0123456789abcdef"], undelete: "000012,000013" });
    const [plain] = prunes(await Scenario.run().settle());
    expect([plain?.acknowledged, plain?.undelete, plain?.timeZone, plain?.trashMillis]).toEqual([
      [],
      undefined,
      "UTC",
      86_400_000,
    ]);
  });

  test("the rules of its place, the time zone and the time in the trash", async () => {
    const retention = {
      timeZone: "Europe/Berlin",
      trash: "36h",
      source: { last: 2, minVerified: 1 },
      sinks: { last: 7, hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 3, maxAge: "400d", minVerified: 2 },
    };
    const [source, vault] = prunes(await Scenario.run({ policy: aPolicy().spec({ retention }).build() }).settle());
    expect([source?.keep, source?.trashMillis, source?.timeZone]).toEqual([
      retention.source,
      129_600_000,
      "Europe/Berlin",
    ]);
    expect(vault?.keep).toEqual(retention.sinks);
  });
});
