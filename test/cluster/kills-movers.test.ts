/** Movers killed, Jobs deleted and pods evicted in every step, and a sink that goes away: tried again or failed with a code, the app back. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { jobName } from "../../operator/api/names.ts";
import { claim, database, idle, podSpec, policy, toolbox, workload } from "../support/app.ts";
import { Bed, type Task, pathOf, stepOf, triesOf } from "../support/bed.ts";
import { type Strike, goOn, moverKiller, nameOf, processOf, struck } from "../support/mover-killer.ts";
import { expectWhole } from "../support/oracles.ts";
import { reportFigures } from "../support/report-figures.ts";
import { type Timeline, watchTimeline } from "../support/timeline.ts";

jest.setTimeout(900_000);

const command = "node test/run.ts cluster";
const namespace = "e2e-kills-movers";
const patience = 500;
const steps = ["Preflight", "Warm", "Seal", "Transport/vault", "Verify/vault", "Prune/source", "Prune/vault"] as const;
const restoreSteps = ["Plan", "Stage", "Swap", "Cleanup"] as const;
/** Three runs side by side, because each kill costs ten seconds of waiting. */
const killed = {
  one: ["Preflight", "Seal", "Prune/vault"],
  two: ["Warm", "Verify/vault"],
  three: ["Transport/vault", "Prune/source"],
} as const;
/** Of a capture there is no second try. */
const captures = {
  dump: "container dump ended with code 137",
  archive: "container archive ended with code 137",
  release: "container release ended with code 137",
  job: "the Job of the step was deleted",
  pod: "",
} as const;

let bed: Bed;
let timeline: Timeline;
let moversGone: Promise<unknown>;
let sinkGone: ReturnType<typeof loseSink>;
/** Each is settled when its run or restore is finished. */
const ended = new Map<string, PromiseWithResolvers<Task>>();
const ending = (name: string): Promise<Task> => {
  const found = ended.get(name) ?? Promise.withResolvers<Task>();
  ended.set(name, found);
  // Told by the test that waits for it.
  found.promise.catch(() => undefined);
  return found.promise;
};
/** Steps of tasks whose Job was deleted or whose pod was evicted, by the name of the Job. */
const deleted = new Map<string, string>();
const evicted = new Map<string, string>();
const end = new AbortController();
let watches: readonly Promise<void>[] = [];

const strikesOf = (run: string, of: readonly string[]): readonly Strike[] =>
  of.map((name) => {
    const [step = "", location] = name.toLowerCase().split("/");
    return { run, step, signal: "SIGKILL", ...(location === undefined ? {} : { location }) };
  });
const strikes: readonly Strike[] = [
  ...Object.entries(killed).flatMap(([run, of]) => strikesOf(run, of)),
  ...["dump", "archive", "release"].flatMap((part) => strikesOf(`no-${part}`, [part])),
  ...strikesOf("back-killed", restoreSteps),
  // A small capture would be over before its pod is gone.
  ...["no-job", "no-pod"].map((run): Strike => ({ run, step: "archive", signal: "SIGSTOP" })),
  { run: "evicted", step: "transport", location: "vault", signal: "SIGSTOP" },
  {
    run: "sunk",
    step: "transport",
    location: "vault",
    signal: "SIGSTOP",
    filled: `/sinks/vault/${namespace}/sunk/staging`,
  },
];
/** Jobs deleted and pods evicted. */
let removed = 0;
/** One after the other, three at a time: more would wait for each other's containers, and not for what is tried here. */
const lanes = [
  ["sunk", "no-pod", "no-job", "two"],
  ["one", "no-dump", "no-archive", "back-killed"],
  ["deleted", "no-release", "three", "evicted", "back-deleted"],
] as const;
const apps = lanes.flat().filter((name) => !name.startsWith("back-"));

async function follow(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const of = { "back-killed": "one", "back-deleted": "deleted" }[name];
    // The database is everybody's here; that of a restore is exchanged where the controller is killed.
    const volume = { from: { latest: true }, include: { volumes: ["data"] } };
    const started = of === undefined ? bed.start(name, name) : bed.startRestore(name, of, volume);
    const task = started.then(() => bed.finished(name, of === undefined ? "BackupRun" : "RestoreRequest", patience));
    void ending(name);
    ended.get(name)?.resolve(task);
    await task.catch(() => undefined);
  }
}

/** Everything at the sink goes while a transport writes there, and comes back when the run is over. */
async function loseSink(): Promise<{ readonly run: Task; readonly left: string }> {
  const pid = await processOf(bed, "sunk transport/vault", patience);
  await bed.sh("deploy/toolbox", "mkdir /sink/.away; mv /sink/handover.json /sink/e2e-* /sink/.away");
  await goOn(bed, pid);
  const run = await ending("sunk");
  const left = await bed.sh("deploy/toolbox", "ls /sink");
  await bed.sh("deploy/toolbox", "mv /sink/.away/* /sink; rmdir /sink/.away");
  return { run, left };
}

/** Not before the run knows its pod: until then the Job would be made again, because nothing was begun. */
async function deleteCapture(): Promise<void> {
  const pid = await processOf(bed, "no-job archive", patience);
  const knowsItsPod = ({ status }: Task): boolean =>
    (status as { readonly capturePodUID?: string } | undefined)?.capturePodUID !== undefined;
  await bed.until<Task>("BackupRun", "no-job", "the pod of the capture is known", knowsItsPod, patience);
  removed++;
  await bed.api.call(
    "DELETE",
    `${pathOf("Job", namespace, jobName("no-job", "Capture", 1))}?propagationPolicy=Background`,
  );
  await goOn(bed, pid);
}

/** Stopped, the mover does not see that it is asked to go, and is not over before its pod is. */
async function evictStopped(mover: string, job: string): Promise<void> {
  await processOf(bed, mover, patience);
  const ofJob = ["-l", `batch.kubernetes.io/job-name=${job}`, "-o", "jsonpath={.items[0].metadata.name}"];
  removed++;
  await evict(await bed.k("get", "pod", ...ofJob), { gracePeriodSeconds: 2 });
}

const evict = (name: string, deleteOptions = {}): Promise<unknown> =>
  bed.api.call("POST", `${pathOf("Pod", namespace, name)}/eviction`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name },
    deleteOptions,
  });

beforeAll(async () => {
  bed = await Bed.open(namespace);
  await bed.apply(claim("store"), claim("vault"), claim("sink"), ...database());
  await bed.apply(toolbox({ "/store": "store", "/vault": "vault", "/sink": "sink" }));
  for (const name of apps)
    await bed.apply(claim(name), workload("Deployment", name, podSpec({ script: idle, claims: { "/data": name } })));
  await bed.apply(moverKiller(bed, strikes));
  await Promise.all(["db", "toolbox", "mover-killer", ...apps].map((name) => bed.ready(name)));
  await bed.sql("shop", "SET ROLE shop; CREATE TABLE orders AS SELECT generate_series(1, 1000) id");
  await Promise.all(apps.map((name) => bed.sh(`deploy/${name}`, "head -c 3000000 /dev/urandom >/data/file")));
  // So much that it is under way for a while.
  await bed.sh("deploy/sunk", "head -c 60000000 /dev/urandom >/data/file");
  for (const name of apps) {
    const sinks = name === "sunk" ? { sinks: [{ name: "vault", claim: { claimName: "sink" } }] } : {};
    const volumes = [{ name: "data", claimName: name }];
    await bed.apply(policy(name, { app: { workloads: [{ kind: "Deployment", name }] }, volumes, ...sinks }));
  }
  timeline = watchTimeline(bed);
  for (const step of steps) deleted.set(jobName("deleted", step, 1), step);
  for (const step of restoreSteps) deleted.set(jobName("back-deleted", step, 1), step);
  evicted.set(jobName("evicted", "Preflight", 1), "Preflight");
  watches = [deleteJobs(), evictPods()];
  for (const story of lanes) void follow(story);
  moversGone = Promise.all([
    deleteCapture(),
    evictStopped("no-pod archive", jobName("no-pod", "Capture", 1)),
    evictStopped("evicted transport/vault", jobName("evicted", "Transport/vault", 1)),
  ]);
  moversGone.catch(() => "told by the run that does not end");
  sinkGone = loseSink();
  sinkGone.catch(() => "told by the test that waits for it");
});
afterAll(async () => {
  end.abort();
  await Promise.all([timeline?.stop(), moversGone, ...watches]);
  await bed?.close();
});

interface Named {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** Each Job that is waited for is deleted as soon as it is there. */
const deleteJobs = (): Promise<void> =>
  bed.api.watch(
    pathOf("Job", namespace),
    (type, object) => {
      const { name } = (object as unknown as Named).metadata;
      if (type !== "ADDED" || !deleted.delete(name)) return;
      removed++;
      void bed.api.call("DELETE", `${pathOf("Job", namespace, name)}?propagationPolicy=Background`);
    },
    end.signal,
  );

const evictPods = (): Promise<void> =>
  bed.api.watch(
    `${pathOf("Pod", namespace)}?labelSelector=batch.kubernetes.io/job-name`,
    (_type, object) => {
      const { name, labels = {} } = (object as unknown as Named).metadata;
      const job = labels["batch.kubernetes.io/job-name"] ?? "";
      // As soon as it has a node: a small step is over before the API shows it to run.
      if (object.spec?.["nodeName"] === undefined || !evicted.delete(job)) return;
      removed++;
      void evict(name);
    },
    end.signal,
  );

describe.each(Object.entries(killed))("run %s, whose movers are killed", (name, of) => {
  test(`is complete: ${of.join(", ")} was tried again`, async () => {
    const run = await ending(name);
    const met = await struck(bed);
    expect(of.filter((step) => !met.has(`${name} ${step.toLowerCase()}`))).toEqual([]);
    expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
    const again = run.status.steps
      .filter((step) => triesOf(step) !== 1)
      .map((step) => `${step.name} ${triesOf(step)} ${step.state}`);
    expect(again.toSorted()).toEqual(of.map((step) => `${step} 2 Done`).toSorted());
  });
});

test("a run whose Jobs are deleted, each as soon as it is there, is complete; they are made again", async () => {
  const run = await ending("deleted");
  expect([...deleted.keys()].filter((job) => job.startsWith("deleted-"))).toEqual([]);
  expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
});

test("a run whose pods are evicted is complete", async () => {
  const run = await ending("evicted");
  expect([...evicted.values()]).toEqual([]);
  expect(run.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
  expect(stepOf(run, "Transport/vault")).toMatchObject({ state: "Done", attempt: 2 });
});

test.each(Object.entries(captures))("a capture without its %s fails, and the app is back", async (part, says) => {
  const run = await ending(`no-${part}`);
  expect(run.status).toMatchObject({ result: "Failed", app: "Up" });
  expect(run.status.code).toMatch(/^HO-X00[13]$/);
  expect(stepOf(run, "Capture")?.message).toContain(says);
  expect(run.status.generation).toBeUndefined();
  expect(
    await bed.sh("deploy/toolbox", `ls /store/${namespace}/no-${part}/handover /vault/${namespace}/no-${part}/store`),
  ).not.toMatch(/\d{6}-/);
});

test.each(["back-killed", "back-deleted"])(
  "restore %s is complete although each of its steps was struck",
  async (name) => {
    const restore = await ending(name);
    expect([...deleted.keys()].filter((job) => job.startsWith(`${name}-`))).toEqual([]);
    expect(restore.status).toMatchObject({ result: "Complete", app: "Up", code: "" });
    expect(await bed.sql("postgres", "SELECT count(*) FROM pg_database WHERE NOT datistemplate")).toBe("2");
  },
);

test("a sink that goes away under a transport costs the copy, not the generation; back again, it gets what is missing", async () => {
  const { run, left } = await sinkGone;
  expect(run.status).toMatchObject({ result: "AtRisk", app: "Up" });
  expect(run.status.code).toMatch(/^HO-/);
  expect(run.status.copies).toMatchObject([
    { location: "source", state: "Verified" },
    { location: "vault", state: "Missing" },
  ]);
  expect(left).toBe("");
  expect((await bed.run("afloat", "sunk")).status.result).toBe("Complete");
  await bed.until<Task>("BackupRun", "sunk", "its late copy has arrived", ({ status }) => status.result === "Complete");
});

test("after a capture that failed, the next run is complete, and clears away what was left in the store", async () => {
  const parts = Object.keys(captures);
  await Promise.all(parts.map((part) => ending(`no-${part}`)));
  const runs = await Promise.all(parts.map((part) => bed.run(`again-${part}`, `no-${part}`)));
  expect(runs.map(({ status }) => `${status.result} ${status.app} ${status.code}`.trim())).toEqual(
    parts.map(() => "Complete Up"),
  );
});

test("afterwards every app runs, nothing is left over, and the statuses say what lies on the disks", async () => {
  await Promise.allSettled(lanes.flat().map(ending));
  await expectWhole(bed, apps, apps);
  const met = await struck(bed);
  expect(strikes.map(nameOf).filter((name) => !met.has(name))).toEqual([]);
  const kills = strikes.filter(({ signal }) => signal === "SIGKILL").length + removed;
  reportFigures([
    { name: "cluster.mover_kills", value: kills, unit: "movers, Jobs and pods", command },
    { name: "cluster.giveback_after_failure_seconds_max", value: Math.max(...giveBacks()), unit: "s", command },
  ]);
});

/** From the bad end of the first container of a capture to the app's replicas, both as the API shows them. */
function giveBacks(): readonly number[] {
  return Object.keys(captures).flatMap((part) => {
    const failed = timeline.ends.find(({ pod, code }) => pod.startsWith(`no-${part}-capture`) && code !== 0);
    // A pod that never started has no end to count from.
    if (failed === undefined) return [];
    const scales = timeline.scales.filter(({ name }) => name === `no-${part}`);
    // By the order of the scales: two watches may tell a moment in turn.
    const back = scales[scales.findIndex(({ replicas }) => replicas === 0) + 1];
    expect(back?.replicas).toBe(1);
    return [Math.max(0, (back?.at ?? Number.NaN) - failed.at) / 1_000];
  });
}
