/** The client against a real API server: what the server does with each request, not what we believe it does. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { deployments, leases, pods, type KubeObject, type Resource } from "../../operator/api/kinds.ts";
import { EventRecorder } from "../../operator/cluster/events.ts";
import { configMap, configMaps, make, openBed, type Bed } from "./runtime-bed.ts";

const definitions: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
};
const events: Resource = { group: "", version: "v1", plural: "events", kind: "Event" };
/** A kind of our own, with a status that may hold anything a schema can say. */
const samples: Resource = { group: "test.handover.dev", version: "v1", plural: "samples", kind: "Sample" };
const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const sampleDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "samples.test.handover.dev" },
  spec: {
    group: samples.group,
    scope: "Namespaced",
    names: { plural: samples.plural, singular: "sample", kind: samples.kind },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: {
              spec: { type: "object", required: ["size"], properties: { size: { type: "integer" } } },
              status: {
                type: "object",
                properties: { a: { type: "string" }, list: { type: "array", items: anything }, map: anything },
              },
            },
          },
        },
      },
    ],
  },
};

let bed: Bed;
let namespace: string;
beforeAll(async () => {
  bed = await openBed("client");
  ({ namespace } = bed);
  await bed.cluster.create(definitions, "", sampleDefinition);
  for (;;) {
    const found = await bed.cluster.get<KubeObject<unknown, { conditions?: { type: string; status: string }[] }>>(
      definitions,
      "",
      sampleDefinition.metadata.name,
    );
    if (found?.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True")) return;
  }
}, 60_000);
afterAll(async () => bed.close(), 60_000);

const sample = async (name: string): Promise<KubeObject> =>
  make(bed.cluster, samples, namespace, {
    apiVersion: "test.handover.dev/v1",
    kind: "Sample",
    metadata: { name },
    spec: { size: 1 },
  });

describe("objects", () => {
  test("absent, existing, unserved", async () => {
    const { cluster } = bed;
    expect(await cluster.get(configMaps, namespace, "nobody")).toBeUndefined();
    expect(await cluster.get(configMaps, "no-such-namespace", "nobody")).toBeUndefined();
    const made = await make(cluster, configMaps, namespace, configMap("one", "1"));
    expect(await cluster.create(configMaps, namespace, configMap("one", "2"))).toBe("exists");
    expect(await cluster.get(configMaps, namespace, "one")).toEqual(made);
    await expect(cluster.get({ ...configMaps, plural: "configmapz" }, namespace, "one")).rejects.toMatchObject({
      status: 404,
    });
    await expect(cluster.get({ ...samples, version: "v9" }, namespace, "one")).rejects.toMatchObject({ status: 404 });
    await expect(cluster.create(configMaps, "no-such-namespace", configMap("x", ""))).rejects.toMatchObject({
      status: 404,
    });
  });

  test("an update and a patch need the version seen, and say what became of the object", async () => {
    const { cluster } = bed;
    const first = await make(cluster, configMaps, namespace, configMap("versions", "1"));
    const { name, resourceVersion } = first.metadata;
    const second = await cluster.update(configMaps, namespace, name, { ...first, data: { value: "2" } });
    expect(second).toMatchObject({ data: { value: "2" } });
    expect(await cluster.update(configMaps, namespace, name, { ...first, data: { value: "3" } })).toBe("conflict");
    const stale = { metadata: { resourceVersion }, data: { value: "4" } };
    expect(await cluster.patch(configMaps, namespace, name, stale)).toBe("conflict");
    expect(await cluster.get(configMaps, namespace, name)).toEqual(second);
    expect(await cluster.patch(configMaps, namespace, "nobody", stale)).toBe("gone");
    expect(
      await cluster.update(configMaps, namespace, "nobody", {
        ...first,
        metadata: { ...first.metadata, name: "nobody" },
      }),
    ).toMatch(/gone|conflict/);
  });

  test("a removal meets only the object and the state that were meant", async () => {
    const { cluster } = bed;
    const first = await make(cluster, configMaps, namespace, configMap("removal", "1"));
    const { name, uid, resourceVersion } = first.metadata;
    expect(await cluster.remove(configMaps, namespace, name, { uid: "00000000-0000-0000-0000-000000000000" })).toBe(
      "conflict",
    );
    expect(await cluster.remove(configMaps, namespace, name, { uid, resourceVersion: "1" })).toBe("conflict");
    expect(await cluster.get(configMaps, namespace, name)).toEqual(first);
    expect(await cluster.remove(configMaps, namespace, name, { uid, resourceVersion })).toBe("done");
    expect(await cluster.remove(configMaps, namespace, name, { uid })).toBe("gone");
  });

  test("a field the server does not know is refused, not dropped", async () => {
    const { cluster } = bed;
    const body = {
      apiVersion: "test.handover.dev/v1",
      kind: "Sample",
      metadata: { name: "strict" },
      spec: { size: 1, colour: "red" },
    };
    await expect(cluster.create(samples, namespace, body)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("colour"),
    });
    const lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "strict" },
      spec: { holder: "x" },
    };
    await expect(cluster.create(leases, namespace, lease)).rejects.toMatchObject({ status: 400 });
  });

  test("an invalid object is refused with the server's words", async () => {
    const body = {
      apiVersion: "test.handover.dev/v1",
      kind: "Sample",
      metadata: { name: "invalid" },
      spec: { size: "big" },
    };
    await expect(bed.cluster.create(samples, namespace, body)).rejects.toMatchObject({
      status: 422,
      reason: "Invalid",
      message: expect.stringContaining("spec.size"),
    });
  });
});

describe("status", () => {
  test("equals the argument afterwards: fields and entries that are missing are gone", async () => {
    const { cluster } = bed;
    const made = await sample("status");
    const states = [
      { a: "x", list: [{ k: 1, gone: "later" }, { k: 2 }], map: { one: { deep: true }, two: [1, 2] } },
      { list: [{ k: 2 }], map: { two: [] } },
      {},
      { a: "back" },
    ];
    let { resourceVersion } = made.metadata;
    for (const status of states) {
      const written = await cluster.updateStatus(samples, namespace, "status", resourceVersion, status);
      if (typeof written === "string") throw new Error(written);
      expect(written.status).toEqual(status);
      const read = await cluster.get(samples, namespace, "status");
      expect(read).toEqual(written);
      expect(read?.spec).toEqual({ size: 1 });
      expect(read?.metadata.generation).toBe(1);
      ({ resourceVersion } = written.metadata);
    }
    const same = await cluster.updateStatus(samples, namespace, "status", resourceVersion, states.at(-1));
    expect(same).toMatchObject({ metadata: { resourceVersion } });
  });

  test("needs the version seen, and the object to be there", async () => {
    const { cluster } = bed;
    const made = await sample("status-conflict");
    const { name, resourceVersion } = made.metadata;
    await cluster.patch(samples, namespace, name, { metadata: { resourceVersion }, spec: { size: 2 } });
    expect(await cluster.updateStatus(samples, namespace, name, resourceVersion, { a: "x" })).toBe("conflict");
    expect((await cluster.get(samples, namespace, name))?.status).toBeUndefined();
    expect(await cluster.updateStatus(samples, namespace, "nobody", resourceVersion, {})).toBe("gone");
  });

  test("with a field its schema does not know is refused", async () => {
    const made = await sample("status-strict");
    const write = bed.cluster.updateStatus(samples, namespace, "status-strict", made.metadata.resourceVersion, {
      b: "x",
    });
    await expect(write).rejects.toMatchObject({ status: 400, message: expect.stringContaining("status.b") });
  });
});

describe("scale", () => {
  const deployment = (name: string): object => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      // Never scheduled: only the numbers matter here.
      template: {
        metadata: { labels: { app: name } },
        spec: { nodeSelector: { no: "such-node" }, containers: [{ name: "c", image: "none" }] },
      },
    },
  });

  test("sets the replicas of exactly the version seen", async () => {
    const { cluster } = bed;
    const made = await make(cluster, deployments, namespace, deployment("scale"));
    expect(await cluster.scale(deployments, namespace, "scale", 0, made.metadata.resourceVersion)).toMatch(
      /done|conflict/,
    );
    for (;;) {
      const now = await cluster.get<KubeObject<{ replicas: number }>>(deployments, namespace, "scale");
      if (now === undefined) throw new Error("gone");
      if (now.spec.replicas === 0) break;
      await cluster.scale(deployments, namespace, "scale", 0, now.metadata.resourceVersion);
    }
    expect(await cluster.scale(deployments, namespace, "scale", 5, made.metadata.resourceVersion)).toBe("conflict");
    expect(await cluster.get(deployments, namespace, "scale")).toMatchObject({ spec: { replicas: 0 } });
    expect(await cluster.scale(deployments, namespace, "nobody", 5, "1")).toBe("gone");
  });
});

test("events: a repetition raises the count, another message is another event", async () => {
  const { cluster } = bed;
  const object = await make(cluster, configMaps, namespace, configMap("talker", "1"));
  const failures: unknown[] = [];
  const recorder = new EventRecorder({
    cluster,
    instance: "pod-1",
    now: () => Date.now(),
    monotonic: () => performance.now(),
    onFailure: (error) => failures.push(error),
  });
  const note = { type: "Warning", reason: "SinkUnreachable", message: "cannot reach it" } as const;
  for (let time = 0; time < 3; time++) await recorder.record(configMaps, object, note);
  await recorder.record(configMaps, object, { ...note, message: "another" });
  expect(failures).toEqual([]);
  const found = await cluster.list<KubeObject & { count: number; message: string }>(events, { namespace });
  const ours = found.filter((event) => event.metadata.name.startsWith("talker."));
  expect(ours.map(({ count, message }) => `${count} ${message}`).toSorted()).toEqual([
    "1 another",
    "3 cannot reach it",
  ]);
});

test("a service account without rights is told so by name", async () => {
  const accounts: Resource = { group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount" };
  await bed.cluster.create(accounts, namespace, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "nobody" },
  });
  const tokens: Resource = { ...accounts, plural: "serviceaccounts/nobody/token" };
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", metadata: {}, spec: {} };
  const issued = await make(bed.cluster, tokens, namespace, body);
  const other = bed.withToken((issued as KubeObject<unknown, { token: string }>).status?.token ?? "");
  await expect(other.cluster.get(pods, namespace, "x")).rejects.toMatchObject({
    status: 403,
    reason: "Forbidden",
    message: expect.stringContaining(`system:serviceaccount:${namespace}:nobody`),
  });
  await other.connection.close();
  const wrong = bed.withToken("nonsense");
  await expect(wrong.cluster.get(pods, namespace, "x")).rejects.toMatchObject({ status: 401 });
  await wrong.connection.close();
});

test("hundreds of requests share two connections", async () => {
  const before = bed.wire.connections;
  for (let request = 0; request < 300; request++) await bed.cluster.get(configMaps, namespace, "one");
  expect(bed.wire.connections - before).toBeLessThanOrEqual(2);
});
