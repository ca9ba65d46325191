/** Runs that end while the app is stopped, whatever ends them: the app comes back first, and as it was. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { claim, database, idle, lockTable, podSpec, policy, postgres, workload } from "../support/app.ts";
import { Bed, type Task, type WorkloadBody, isTrue, waitUntil } from "../support/bed.ts";

jest.setTimeout(600_000);

let bed: Bed;
let unlock: () => Promise<void>;
const ended = new Map<string, Promise<Ended>>();
let deleted: ReturnType<typeof deleteInCapture>;
let keyless: Promise<Task>;

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
  await Promise.all(["deleted", "keyless"].map((name) => install(name)));
  await Promise.all(["db", "deleted", "keyless", ...stops.map(({ name }) => name)].map((name) => bed.ready(name)));
  await bed.sql("shop", "SET ROLE shop; CREATE TABLE orders (id int)");
  unlock = await lockTable(bed);
  for (const { name, app } of stops) await bed.apply(policyOf(name, app));
  await bed.apply(policyOf("deleted"));
  // All at once, because all wait for the one lock, and a dump waits for it a minute at most.
  for (const stop of stops) ended.set(stop.name, runToItsEnd(stop));
  deleted = deleteInCapture();
  keyless = loseSecret();
  for (const one of [...ended.values(), deleted, keyless]) one.catch(() => "told by the test that waits for it");
});
afterAll(async () => {
  await unlock();
  await bed.close();
});

/** What was seen of the app while its capture waited for the lock, and how the run ended. */
interface Ended {
  readonly held?: { readonly appRestored: boolean; readonly replicas: number };
  readonly run: Task;
}

async function runUntilCapture(name: string, meanwhile: () => Promise<unknown>): Promise<Ended["held"]> {
  await bed.start(name, name);
  const run = await bed.step(name, "Capture", ["Running"]);
  const { spec } = await bed.get<WorkloadBody>("Deployment", name);
  await meanwhile();
  return { appRestored: isTrue(run, "AppRestored"), replicas: spec.replicas };
}

async function runToItsEnd({ name, meanwhile }: Stop): Promise<Ended> {
  if (meanwhile === undefined) return { run: await bed.run(name, name) };
  const held = await runUntilCapture(name, meanwhile);
  return { ...(held === undefined ? {} : { held }), run: await bed.finished(name) };
}

async function deleteInCapture(): Promise<Readonly<Record<string, unknown>>> {
  let finalizers: readonly string[] | undefined;
  const held = await runUntilCapture("deleted", async () => {
    finalizers = (await bed.get<Task>("BackupRun", "deleted")).metadata.finalizers;
    await bed.remove("BackupRun", "deleted");
  });
  await bed.gone("BackupRun", "deleted");
  // Gone means that the app was given back, not that it will be.
  const { spec } = await bed.get<WorkloadBody>("Deployment", "deleted");
  return { held, finalizers, replicasOnceGone: spec.replicas };
}

/** The preflight has found the Secret; the capture, with the app down, does not. */
async function loseSecret(): Promise<Task> {
  const { data } = await bed.get<{ readonly data: Readonly<Record<string, string>> }>("Secret", "db");
  await bed.apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, data });
  const app = { workloads: [{ kind: "Deployment", name: "keyless" }] };
  const databases = [postgres({ secretRef: { name: "key" } })];
  await bed.apply(policy("keyless", { app, databases, volumes: [{ name: "data", claimName: "keyless" }] }));
  await bed.start("keyless", "keyless");
  await bed.step("keyless", "Warm", ["Running", "Done"]);
  await bed.remove("Secret", "key");
  return bed.finished("keyless");
}

test.each(stops)(
  "$name: ends with $code, and the app is back",
  async ({ name, code, names, meanwhile, replicas = 1 }) => {
    const { held, run } = (await ended.get(name)) ?? {};
    expect(held).toEqual(meanwhile === undefined ? undefined : { appRestored: false, replicas: 0 });
    expect(run?.status).toMatchObject({ result: "Failed", code, app: "Up" });
    expect(run?.status.advice).toMatch(
      new RegExp(
        `^${code} .*${names}.*\\. App: .*running\\. Data: this run left no generation; .*\\. Next: .*kubectl `,
      ),
    );
    expect(run?.status.generation).toBeUndefined();
    expect(run?.status.steps.find((step) => step.name === "Seal")?.state).toBe("Skipped");
    expect(run !== undefined && isTrue(run, "AppRestored")).toBe(true);
    // The replicas that somebody wants: those from before, or those that a person has set meanwhile.
    const back = await bed.ready(name, "Deployment", replicas);
    expect(back.spec.replicas).toBe(replicas);
  },
);

test("a run that is deleted goes only when the app was given back", async () => {
  expect(await deleted).toEqual({
    held: { appRestored: false, replicas: 0 },
    finalizers: ["backup.handover.dev/give-back"],
    replicasOnceGone: 1,
  });
  await bed.ready("deleted");
});

test("a run whose Secret is deleted before the capture does not wait for it with the app down", async () => {
  const { status } = await keyless;
  expect(status).toMatchObject({ result: "Failed", code: "HO-P104", app: "Up" });
  expect(status.advice).toMatch(/^HO-P104 .*shop.*\. App: .*running\. Data: .*no generation; .*\. Next: .*kubectl /);
  await bed.ready("keyless");
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
