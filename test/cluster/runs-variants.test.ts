/** Runs of other kinds and shapes: schedules, several workloads, apps that are parked or not to be stopped, policies that change meanwhile. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { claim, idle, installApp, podSpec, policy, postgres, web, workload } from "../support/app.ts";
import { Bed, type Condition, type Task, type WorkloadBody, isTrue, stepOf, waitUntil } from "../support/bed.ts";

jest.setTimeout(600_000);

interface PolicyBody {
  readonly status: {
    readonly nextRun?: object;
    readonly conditions: readonly Condition[];
    readonly schedules: readonly { readonly skipped?: string }[];
  };
}

let bed: Bed;
let suspendedAt = 0;
let runsAtSuspension: readonly string[] = [];
const replicasOf = async (kind: string, name: string): Promise<number> =>
  (await bed.get<WorkloadBody>(kind, name)).spec.replicas;
const generationOf = async (name: string): Promise<number> =>
  (await bed.get<WorkloadBody>("Deployment", name)).metadata.generation;
const slots = async (): Promise<readonly Task[]> =>
  (await bed.list<Task>("BackupRun")).filter(({ spec }) => spec["policyName"] === "ticking");

let live: ReturnType<typeof runLive>;
async function runLive(): Promise<{ generation: number; database: Task; full: Task }> {
  await bed.apply(policy("live", { app: { quiesce: "None" } }));
  const generation = await generationOf("web");
  const database = await bed.run("database", "live", { type: "Database" });
  return { generation, database, full: await bed.run("full", "live") };
}

let parked: ReturnType<typeof runParked>;
async function runParked(): Promise<{ generation: number; run: Task }> {
  await bed.apply(
    policy("parked", {
      app: { workloads: [{ kind: "Deployment", name: "parked" }] },
      databases: [],
      volumes: [{ name: "data", claimName: "parked" }],
    }),
  );
  const generation = await generationOf("parked");
  return { generation, run: await bed.run("parked", "parked") };
}

beforeAll(async () => {
  bed = await Bed.open("e2e-variants");
  await bed.apply(
    claim("parked"),
    workload("Deployment", "parked", podSpec({ script: idle, claims: { "/data": "parked" } })),
    claim("set"),
    web("set", "set", "StatefulSet", 2),
    workload("Deployment", "front", podSpec({ script: idle, claims: { "/data": "set" } })),
  );
  await installApp(bed);
  await Promise.all([
    bed.sh("deploy/parked", "echo parked >/data/file"),
    bed.sh("set-0", "echo page >/uploads/page.txt"),
    bed.apply(
      policy("ticking", {
        volumes: [],
        app: { quiesce: "None", workloads: [] },
        more: { schedules: [{ name: "often", type: "Database", cron: "* * * * *" }] },
      }),
    ),
  ]);
  await bed.patch("Deployment", "parked", { spec: { replicas: 0 } });
  await bed.ready("set", "StatefulSet", 2);
  // These do not meet what the tests do meanwhile.
  live = runLive();
  parked = runParked();
  for (const started of [live, parked]) started.catch(() => "told by the test that waits for it");
});
afterAll(() => bed?.close());

test("workloads are stopped in the order of the policy and come back in reverse, a StatefulSet with its two replicas", async () => {
  const workloads = [
    { kind: "Deployment", name: "front" },
    { kind: "StatefulSet", name: "set" },
  ];
  await bed.apply(
    policy("ordered", { app: { workloads }, databases: [], volumes: [{ name: "data", claimName: "set" }] }),
  );
  await bed.start("ordered", "ordered");
  const seen = new Set<string>();
  const over = new AbortController();
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const set = await replicasOf("StatefulSet", "set");
      seen.add(`front ${await replicasOf("Deployment", "front")}, set ${set}`);
    }
  };
  const looking = look();
  const run = await bed.finished("ordered").finally(() => over.abort());
  await looking;
  expect(run.status).toMatchObject({ result: "Complete", app: "Up" });
  // Never the set at zero with the front up.
  expect([...seen].toSorted()).toEqual(["front 0, set 0", "front 0, set 2", "front 1, set 2"]);
  await bed.ready("set", "StatefulSet", 2);
  await bed.ready("front");
});

test("a run that does not stop the app leaves it alone: type Database, and quiesce None", async () => {
  const { generation, database, full } = await live;
  expect(database.status).toMatchObject({
    result: "Complete",
    app: "Up",
    generation: { consistency: "Running", files: 0 },
  });
  expect(full.status).toMatchObject({
    result: "Complete",
    app: "Up",
    generation: { consistency: "Running", files: 3 },
  });
  for (const run of [database, full]) {
    expect([stepOf(run, "Quiesce"), stepOf(run, "GiveBack"), run.status.downtime]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(isTrue(run, "AppRestored")).toBe(true);
  }
  expect(await generationOf("web")).toBe(generation);
});

test("an app that is parked at zero is backed up and stays parked", async () => {
  const { generation, run } = await parked;
  expect(run.status).toMatchObject({
    result: "Complete",
    app: "Parked",
    generation: { files: 1, consistency: "Quiesced" },
  });
  expect(run.status.downtime).toBeUndefined();
  expect(await generationOf("parked")).toBe(generation);
  expect(await replicasOf("Deployment", "parked")).toBe(0);
});

test("a schedule makes one run for each slot, until it is suspended", async () => {
  const first = await waitUntil("a slot has its run", slots, (runs) => runs.length > 0, 90);
  const [run] = first;
  const name = run?.metadata.name ?? "";
  expect((await bed.finished(name)).status.result).toBe("Complete");
  const at = String(run?.spec["scheduledFor"]);
  expect(name).toBe(`ticking-often-${at.slice(0, 10).replaceAll("-", "")}-${at.slice(11, 16).replace(":", "")}`);
  expect(at).toMatch(/:00(\.000)?Z$/);
  await bed.patch("BackupPolicy", "ticking", { spec: { suspend: true } });
  suspendedAt = Date.now();
  const { status } = await bed.until<PolicyBody>("BackupPolicy", "ticking", "Suspended", (seen) =>
    isTrue(seen as unknown as Task, "Suspended"),
  );
  expect(status.nextRun).toBeUndefined();
  const runs = await slots();
  runsAtSuspension = runs.map(({ metadata }) => metadata.name);
  expect(new Set(runs.map(({ spec }) => spec["scheduledFor"])).size).toBe(runs.length);
});

test("a run goes on as it was accepted when its policy is changed and deleted, and keeps a second one away", async () => {
  await bed.apply(policy("changing"));
  await bed.start("accepted", "changing");
  await bed.step("accepted", "Preflight", ["Running", "Done"]);
  const second = await bed.run("second", "changing");
  expect(second.status).toMatchObject({ result: "Failed", code: "HO-P109", app: "Unknown" });
  expect(second.status.advice).toMatch(
    /run accepted of this policy is active\. App: .*Data: .*Next: start it again when that one is over: kubectl -n e2e-variants get brun$/,
  );
  await bed.apply(
    policy("changing", { databases: [postgres({ host: "nosuch" })], volumes: [{ name: "else", claimName: "nosuch" }] }),
  );
  await bed.step("accepted", "Capture", ["Running", "Done"]);
  await bed.remove("BackupPolicy", "changing");
  const run = await bed.finished("accepted");
  expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "", generation: { files: 3, tables: 2 } });
  await bed.ready("web");
});

test("while it is suspended, no slot makes a run, though one started by hand works", async () => {
  const byHand = await bed.run("by-hand", "ticking", { type: "Database" });
  expect(byHand.status.result).toBe("Complete");
  await waitUntil(
    "a slot has passed",
    () => Promise.resolve(Date.now()),
    (now) => now > suspendedAt + 65_000,
  );
  // Of those there were, the oldest may have gone as history meanwhile.
  const known = ["by-hand", ...runsAtSuspension];
  expect((await slots()).map(({ metadata }) => metadata.name).filter((name) => !known.includes(name))).toEqual([]);
});
