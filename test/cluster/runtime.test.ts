/** Reflector and leader election against a real API server, over a wire that is cut and frozen. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { leases, type KubeObject } from "../../operator/api/kinds.ts";
import { createListWatch } from "../../operator/cluster/watch.ts";
import { systemClock, sleep } from "../../operator/runtime/clock.ts";
import { LeaderElector } from "../../operator/runtime/leader.ts";
import { Reflector } from "../../operator/runtime/reflector.ts";
import type { Change } from "../../operator/runtime/store.ts";
import { recordingLog } from "../unit/runtime/recording-log.ts";
import { configMap, configMaps, make, openBed, type Bed } from "./runtime-bed.ts";

type Map = KubeObject & { readonly data: { readonly value: string } };

let bed: Bed;
beforeAll(async () => {
  bed = await openBed("runtime");
}, 60_000);
afterAll(async () => bed.close(), 60_000);

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await sleep(systemClock, 20);
};

const reflect = (idleMs?: number) => {
  const changes: Change<Map>[] = [];
  const restarts: string[] = [];
  const reflector = new Reflector<Map>({
    name: "configmaps",
    source: createListWatch<Map>(bed.connection, configMaps, { namespace: bed.namespace, labels: "suite=runtime" }),
    onChange: (change) => changes.push(change),
    clock: systemClock,
    log: recordingLog(),
    onRestart: (reason) => restarts.push(reason),
    ...(idleMs === undefined ? {} : { idleMs }),
  });
  const stop = new AbortController();
  const done = reflector.start(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await done;
  };
  const picture = (): readonly string[] =>
    [...reflector.values()].map(({ metadata, data }) => `${metadata.name} ${metadata.uid} ${data.value}`).toSorted();
  /** The copy has become what the server says. */
  const agrees = async (): Promise<boolean> => {
    const truth = await bed.cluster.list<Map>(configMaps, { namespace: bed.namespace, labels: "suite=runtime" });
    const wanted = truth.map(({ metadata, data }) => `${metadata.name} ${metadata.uid} ${data.value}`).toSorted();
    return JSON.stringify(wanted) === JSON.stringify(picture());
  };
  return { reflector, changes, restarts, end, agrees };
};

const put = async (name: string, value: string): Promise<void> => {
  const found = await bed.cluster.get<Map>(configMaps, bed.namespace, name);
  if (found === undefined) await make(bed.cluster, configMaps, bed.namespace, configMap(name, value));
  else await bed.cluster.update(configMaps, bed.namespace, name, { ...found, data: { value } });
};
const remove = async (name: string): Promise<void> => {
  const found = await bed.cluster.get(configMaps, bed.namespace, name);
  if (found !== undefined) await bed.cluster.remove(configMaps, bed.namespace, name, { uid: found.metadata.uid });
};

test("more objects than a page holds are listed whole, by client and reflector", async () => {
  const names = Array.from({ length: 1100 }, (_, index) => `many-${String(index).padStart(4, "0")}`);
  const queue = names.values();
  const worker = async (): Promise<void> => {
    for (const name of queue) await make(bed.cluster, configMaps, bed.namespace, configMap(name, "1"));
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  const listed = await bed.cluster.list(configMaps, { namespace: bed.namespace, labels: "suite=runtime" });
  expect(listed.map(({ metadata }) => metadata.name).toSorted()).toEqual(names);
  const run = reflect();
  expect(await run.reflector.synced).toBe(true);
  expect([...run.reflector.values()].map(({ metadata }) => metadata.name).toSorted()).toEqual(names);
  expect(run.changes).toHaveLength(names.length);
  await run.end();
}, 120_000);

test("changes arrive in order; a recreated object is another one", async () => {
  const run = reflect();
  await run.reflector.synced;
  run.changes.length = 0;
  await put("steps", "1");
  await put("steps", "2");
  await remove("steps");
  await put("steps", "3");
  await until(() => run.changes.length >= 4);
  expect(run.changes.map(({ type, object }) => `${type} ${object.data.value}`)).toEqual([
    "added 1",
    "modified 2",
    "deleted 2",
    "added 3",
  ]);
  expect(await run.agrees()).toBe(true);
  await run.end();
}, 60_000);

test("cut and frozen wires heal without a new list, and nothing is missed", async () => {
  const run = reflect(1500);
  await run.reflector.synced;
  await put("healing", "1");
  await until(run.agrees);
  bed.wire.cut();
  await put("healing", "2");
  await remove("many-0000");
  await until(run.agrees);
  // Frozen: both ends believe in the connection, nothing arrives any more, and only the idle time can tell.
  bed.wire.frozen = true;
  await until(() => run.restarts.includes("idle"));
  bed.wire.frozen = false;
  bed.wire.cut();
  await put("healing", "3");
  await until(run.agrees);
  expect(run.restarts).not.toContain("expired");
  expect(run.restarts).not.toContain("list");
  await run.end();
}, 60_000);

test("a version the server has forgotten leads to a list", async () => {
  const source = createListWatch<Map>(bed.connection, configMaps, { namespace: bed.namespace });
  const outcome = await source.watch({
    resourceVersion: "1",
    signal: AbortSignal.timeout(20_000),
    onOpen: () => undefined,
    onEvent: () => undefined,
  });
  // Whether version 1 is still known depends on the age of the cluster; both answers are understood.
  expect(["expired", "closed"]).toContain(outcome.type);
}, 60_000);

test("two contenders: one works, and the other when the first has stopped", async () => {
  const working: string[] = [];
  const contend = (identity: string) => {
    const stop = new AbortController();
    const elector = new LeaderElector({
      cluster: bed.cluster,
      namespace: bed.namespace,
      name: "leader",
      identity,
      clock: systemClock,
      log: recordingLog(),
      leaseDurationMs: 6000,
      renewDeadlineMs: 4000,
      retryPeriodMs: 300,
    });
    const result = elector.run(stop.signal, async (signal) => {
      working.push(identity);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      working.splice(working.indexOf(identity), 1);
    });
    return { elector, stop, result };
  };
  const first = contend("first");
  await until(() => working.length === 1);
  const second = contend("second");
  await until(() => second.elector.holder === "first");
  expect(working).toEqual(["first"]);
  first.stop.abort();
  expect(await first.result).toBe("released");
  await until(() => working.length === 1);
  expect(working).toEqual(["second"]);
  const lease = await bed.cluster.get(leases, bed.namespace, "leader");
  expect(lease).toMatchObject({ spec: { holderIdentity: "second", leaseDurationSeconds: 6, leaseTransitions: 1 } });
  second.stop.abort();
  expect(await second.result).toBe("released");
}, 60_000);
