/** The guard alone with a record, in a made-up cluster in which nobody else does anything: the time that passes is its own sleep. */
import { describe, expect, test } from "@jest/globals";
import { type Lease, deployments, leases } from "../../operator/api/kinds.ts";
import { annotations } from "../../operator/api/names.ts";
import type { Cluster } from "../../operator/cluster/client.ts";
import { ApiError } from "../../operator/cluster/errors.ts";
import { buildGuard } from "../../operator/decide/guard.ts";
import { type QuiesceRecord, buildRecord, parseRecord } from "../../operator/decide/record.ts";
import { guard } from "../../operator/guard.ts";
import type { Clock } from "../../operator/runtime/clock.ts";
import { aWorkload, at, namespace, settings } from "../support/builders.ts";
import { portOf } from "../simulator/port.ts";
import { World } from "../simulator/world.ts";
import { recordingLog } from "./runtime/recording-log.ts";

const minute = 60_000;
const holder = { kind: "BackupRun" as const, name: "run", uid: "run-uid", deadline: "2026-11-21T01:10:00Z" };

/** A shop at zero, and the record of it. */
function stopped(change: Partial<QuiesceRecord> = {}, replicas = 0): World {
  const world = new World();
  const workload = world.put(deployments, aWorkload().replicas(3).build());
  const made = buildRecord(namespace, workload, "Deployment", holder);
  const record = { ...parseRecord(made as Lease), state: "Down", ...change };
  world.put(deployments, aWorkload().replicas(replicas).meta({ uid: workload.metadata.uid }).build());
  world.put(leases, {
    ...made,
    metadata: { ...made.metadata, annotations: { [annotations.record]: JSON.stringify(record) } },
  } as Lease);
  return world;
}

interface Story {
  readonly minutes?: number;
  /** What is added to the wall clock, at each look. */
  readonly setBack?: () => number;
  readonly cluster?: Cluster;
  /** At each look. */
  readonly meanwhile?: () => void;
}
/** @returns whether it has ended by itself, and when it was armed. */
async function watch(
  world: World,
  { minutes = 60, cluster = portOf(world), meanwhile, setBack = () => 0 }: Story = {},
): Promise<{ readonly ended: boolean; readonly armedAt: number | undefined }> {
  const stop = new AbortController();
  const end = world.now + minutes * minute;
  const clock: Clock = {
    now: () => world.now + setBack(),
    monotonic: () => world.now,
    random: () => 0.5,
    after: (milliseconds, call) => {
      meanwhile?.();
      world.advance(world.now + milliseconds);
      if (world.now >= end) stop.abort();
      queueMicrotask(call);
      return () => undefined;
    },
  };
  const record = world.all<Lease>(leases)[0]?.metadata.name ?? "";
  let armedAt: number | undefined;
  const armed = (): void => void (armedAt = world.now);
  await guard({ cluster, clock, log: recordingLog(), namespace, record, armed }, stop.signal);
  return { ended: !stop.signal.aborted, armedAt };
}
const replicasOf = (world: World): number | undefined =>
  (world.find(deployments, "shop") as { spec: { replicas?: number } } | undefined)?.spec.replicas;

describe("the guard", () => {
  test("does nothing while the hold is valid, and is armed at once", async () => {
    const world = stopped();
    const { ended, armedAt } = await watch(world, { minutes: 9 });
    expect({ ended, armedAt, writes: world.writes }).toEqual({ ended: false, armedAt: at("01:00"), writes: [] });
  });

  test("gives the app back when the hold is over, removes the record and ends, all within two minutes", async () => {
    const world = stopped();
    expect((await watch(world)).ended).toBe(true);
    expect(replicasOf(world)).toBe(3);
    expect(world.all(leases)).toEqual([]);
    expect(world.now - at("01:10")).toBeLessThan(2 * minute);
  });

  test.each(["01:10:01", "01:10:06", "01:10:09"])("is not late for a deadline at %s", async (time) => {
    const deadline = `2026-11-21T${time}Z`;
    const world = stopped({ holders: [{ ...holder, deadline }] });
    expect((await watch(world)).ended).toBe(true);
    expect(world.now - Date.parse(deadline)).toBeLessThan(32_000);
  });

  test("lets the controller go first", async () => {
    const world = stopped();
    await watch(world, { minutes: 10.2 });
    expect(world.writes).toEqual([]);
  });

  test.each([
    { name: "a crash of the controller in the middle of giving back", change: { state: "Restoring", holders: [] } },
    { name: "a crash between the scaling and its record", change: { state: "Stopping" } },
  ] as const)("finishes what was left by $name", async ({ change }) => {
    const world = stopped(change);
    expect((await watch(world)).ended).toBe(true);
    expect(replicasOf(world)).toBe(3);
  });

  test("is not kept by a clock that is set back meanwhile", async () => {
    const world = stopped();
    const setBack = (): number => (world.now < at("01:05") ? 0 : -120 * minute);
    expect((await watch(world, { minutes: 200, setBack })).ended).toBe(true);
    expect(world.now - at("01:10")).toBeLessThan(2 * minute);
  });

  test.each([403, 422, 400])("gives the app back when the record may not be written any more: %s", async (status) => {
    const world = stopped();
    const refuse = (): Promise<never> =>
      Promise.reject(new ApiError({ status, reason: "Forbidden", message: "denied", outcome: "unchanged" }));
    const { ended } = await watch(world, { cluster: { ...portOf(world), update: refuse } });
    expect({ ended, replicas: replicasOf(world), records: world.all(leases) }).toEqual({
      ended: true,
      replicas: 3,
      records: [],
    });
  });

  test("tries again what has only failed", async () => {
    const world = stopped();
    const port = portOf(world);
    let left = 3;
    const update: Cluster["update"] = (...call) =>
      left-- > 0
        ? Promise.reject(new ApiError({ status: 500, reason: "InternalError", message: "no", outcome: "unknown" }))
        : port.update(...call);
    expect((await watch(world, { cluster: { ...port, update } })).ended).toBe(true);
    expect(world.writes.map(({ verb }) => verb)).toEqual(["update", "scale", "remove"]);
  });

  test("leaves an app alone that a person has parked before anything was stopped", async () => {
    const world = stopped({ state: "Intent" });
    expect((await watch(world)).ended).toBe(true);
    expect(replicasOf(world)).toBe(0);
  });

  test("never starts an app whose data is being exchanged", async () => {
    const world = stopped({ holders: [{ ...holder, kind: "RestoreRequest", exchanging: true }] });
    await watch(world, { minutes: 24 * 60 });
    expect({ replicas: replicasOf(world), writes: world.writes }).toEqual({ replicas: 0, writes: [] });
  });

  test("lets the value of whoever scaled the app stand", async () => {
    const world = stopped({}, 5);
    expect((await watch(world)).ended).toBe(true);
    expect(replicasOf(world)).toBe(5);
    expect(world.all(leases)).toEqual([]);
  });

  test("leaves another workload of the same name alone", async () => {
    const world = stopped({ target: { kind: "Deployment", name: "shop", uid: "another" } });
    expect((await watch(world)).ended).toBe(true);
    expect(replicasOf(world)).toBe(0);
  });

  test("leaves a record alone that it cannot read", async () => {
    const world = stopped();
    const [lease] = world.all<Lease>(leases);
    world.meta(leases, lease!.metadata.name, { annotations: { [annotations.record]: "{" } });
    await watch(world);
    expect(world.writes).toEqual([]);
  });

  test("ends when the record goes", async () => {
    const world = stopped();
    const [lease] = world.all<Lease>(leases);
    const { ended } = await watch(world, { meanwhile: () => world.delete(leases, lease!.metadata.name) });
    expect(ended).toBe(true);
    expect(replicasOf(world)).toBe(0);
  });

  test("is not armed before the API server has answered, and goes on through failures", async () => {
    const world = stopped();
    const port = portOf(world);
    let calls = 0;
    const unreliable = async <T>(answer: () => Promise<T>): Promise<T> => {
      calls += 1;
      if (world.now < at("01:02") || calls % 4 === 0) throw new Error("connection refused");
      return answer();
    };
    const cluster: Cluster = {
      ...port,
      get: async (...args) => unreliable(async () => port.get(...args)),
      getScale: async (...args) => unreliable(async () => port.getScale(...args)),
      scale: async (...args) => unreliable(async () => port.scale(...args)),
      remove: async (...args) => unreliable(async () => port.remove(...args)),
    };
    const { ended, armedAt } = await watch(world, { cluster });
    expect(ended).toBe(true);
    expect(armedAt).toBeGreaterThanOrEqual(at("01:02"));
    expect(replicasOf(world)).toBe(3);
  });
});

test("everything of a guard belongs to the record and goes with it", () => {
  const [lease] = stopped().all<Lease>(leases);
  const objects = buildGuard(lease!, parseRecord(lease!)!, settings);
  expect(objects.map(({ kind }) => kind)).toEqual(["ServiceAccount", "Role", "RoleBinding", "Job"]);
  for (const { metadata } of objects)
    expect(metadata.ownerReferences).toMatchObject([{ kind: "Lease", uid: lease!.metadata.uid }]);
});
