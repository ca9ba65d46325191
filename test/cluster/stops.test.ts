/** Runs that end while the app is stopped, whatever ends them: the app comes back first, and as it was. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { claim, database, idle, lockTable, podSpec, policy, workload } from "../support/app.ts";
import { Bed, type Task, type WorkloadBody, isTrue, stepOf, waitUntil } from "../support/bed.ts";

jest.setTimeout(600_000);

let bed: Bed;
let unlock: () => Promise<void>;

interface Stop {
  readonly name: string;
  readonly code: string;
  readonly names: string;
  /** Of the policy, under spec.app. */
  readonly app?: Readonly<Record<string, unknown>>;
  readonly script?: string;
  /** Done when the capture runs and waits for a lock of the database. */
  readonly meanwhile?: () => Promise<unknown>;
  readonly replicas?: number;
}

const stops: readonly Stop[] = [
  {
    name: "stubborn",
    code: "HO-S207",
    names: "stubborn",
    app: { stopTimeout: "2s" },
    // Deaf to SIGTERM; ends by SIGKILL after its grace period of 20 s.
    script: "trap '' TERM; while :; do sleep 1; done",
  },
  { name: "late", code: "HO-S208", names: "8s", app: { maxDowntime: "8s" } },
  {
    name: "woken",
    code: "HO-S209",
    names: "scaled to 2",
    meanwhile: () => bed.patch("Deployment", "woken", { spec: { replicas: 2 } }),
    replicas: 2,
  },
  {
    name: "cancelled",
    code: "HO-X003",
    names: "cancelled",
    meanwhile: () => bed.annotate("BackupRun", "cancelled", { cancel: "true" }),
  },
];

const install = (name: string, script = idle): Promise<void> =>
  bed.apply(
    claim(name),
    workload(
      "Deployment",
      name,
      podSpec({ script, claims: { "/data": name }, spec: { terminationGracePeriodSeconds: 20 } }),
    ),
  );
const policyOf = (name: string, app: Readonly<Record<string, unknown>> = {}): ReturnType<typeof policy> =>
  policy(name, {
    app: { workloads: [{ kind: "Deployment", name }], ...app },
    volumes: [{ name: "data", claimName: name }],
  });

beforeAll(async () => {
  bed = await Bed.open("e2e-stops");
  await bed.apply(claim("store"), claim("vault"), ...database());
  for (const { name, script } of stops) await install(name, script);
  await install("deleted");
  await Promise.all(["db", "deleted", ...stops.map(({ name }) => name)].map((name) => bed.ready(name)));
  await bed.sql("shop", "SET ROLE shop; CREATE TABLE orders (id int)");
  unlock = await lockTable(bed);
  for (const { name, app } of stops) await bed.apply(policyOf(name, app));
  await bed.apply(policyOf("deleted"));
});
afterAll(async () => {
  await unlock();
  await bed.close();
});

async function runUntilCapture(name: string, meanwhile: () => Promise<unknown>): Promise<void> {
  await bed.start(name, name);
  const { status } = await bed.step(name, "Capture", ["Running"]);
  expect(isTrue({ status } as Task, "AppRestored")).toBe(false);
  expect((await bed.get<WorkloadBody>("Deployment", name)).spec.replicas).toBe(0);
  await meanwhile();
}

test("each ends with its code, and its app is back with the replicas that somebody wants", async () => {
  const cases = stops.map(async ({ name, code, names, meanwhile, replicas = 1 }) => {
    if (meanwhile === undefined) await bed.start(name, name);
    else await runUntilCapture(name, meanwhile);
    const run = await bed.finished(name);
    expect(run.status).toMatchObject({ result: "Failed", code, app: "Up" });
    expect(run.status.advice).toMatch(
      new RegExp(
        `^${code} .*${names}.*\\. App: .*running\\. Data: this run left no generation; .*\\. Next: .*kubectl `,
      ),
    );
    expect(run.status.generation).toBeUndefined();
    expect(stepOf(run, "Seal")?.state).toBe("Skipped");
    expect(isTrue(run, "AppRestored")).toBe(true);
    await bed.ready(name, "Deployment", replicas);
  });
  const deleted = async (): Promise<void> => {
    await runUntilCapture("deleted", async () => {
      expect((await bed.get<Task>("BackupRun", "deleted")).metadata.finalizers).toEqual([
        "backup.handover.dev/give-back",
      ]);
      await bed.remove("BackupRun", "deleted");
    });
    await bed.gone("BackupRun", "deleted");
    // Gone means that the app was given back, not that it will be.
    expect((await bed.get<WorkloadBody>("Deployment", "deleted")).spec.replicas).toBe(1);
    await bed.ready("deleted");
  };
  await Promise.all([...cases, deleted()]);
});

test("afterwards nothing is held, and no mover is left that could write", async () => {
  const records = await waitUntil(
    "no record is left",
    () => bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record"),
    (leases) => leases.length === 0,
  );
  expect(records).toEqual([]);
  const works = ({ status }: { status: { phase: string } }): boolean => /Running|Pending/.test(status.phase);
  const movers = await waitUntil(
    "no mover runs",
    () => bed.list<{ status: { phase: string } }>("Pod", "?labelSelector=backup.handover.dev/step"),
    (pods) => !pods.some(works),
    // One that is told to end before it listens is killed after its grace period.
    60,
  );
  expect(movers.filter(works)).toEqual([]);
});
