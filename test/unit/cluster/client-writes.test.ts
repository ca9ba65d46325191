import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { deployments, pods, policies } from "../../../operator/api/kinds.ts";
import { createClient, type ClientOptions, type Cluster } from "../../../operator/cluster/client.ts";
import { connect } from "../../../operator/cluster/connection.ts";
import { FakeApiServer, kubeConfig, notServed, status, type Reply } from "./fake-api-server.ts";

let server: FakeApiServer;
let slept: number[];
beforeEach(async () => {
  server = await new FakeApiServer().start();
  slept = [];
});
afterEach(() => server.stop());

const client = (options: ClientOptions = {}): Cluster =>
  createClient(server.connection, { sleep: async (ms) => void slept.push(ms), random: () => 0.5, ...options });

/** Answers with each of these in turn, then with the last for ever. */
const answers = (...replies: readonly (Reply | "cut")[]): void => {
  let at = 0;
  server.handler = (_, response) => {
    const reply = replies[Math.min(at++, replies.length - 1)]!;
    if (reply !== "cut") return reply;
    response.socket?.destroy();
    return undefined;
  };
};
const ok = (body: unknown): Reply => ({ status: 200, body });
const object = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", uid: "u", resourceVersion: "7" },
  future: { field: "2026-11-21T00:00:00Z" },
};
const body = { metadata: { resourceVersion: "7" } };

describe("writes", () => {
  const writes: readonly [string, (cluster: Cluster) => Promise<unknown>][] = [
    ["create", (cluster) => cluster.create(pods, "n", object)],
    ["update", (cluster) => cluster.update(pods, "n", "p", body)],
    ["updateStatus", (cluster) => cluster.updateStatus(policies, "n", "p", "7", {})],
    ["patch", (cluster) => cluster.patch(pods, "n", "p", body)],
    ["scale", (cluster) => cluster.scale(deployments, "n", "p", 0, "7")],
    ["remove", (cluster) => cluster.remove(pods, "n", "p", { uid: "u" })],
    ["createEvent", (cluster) => cluster.createEvent("n", {})],
  ];

  test.each(writes)(
    "%s is sent once when the answer is lost, and says that the outcome is unknown",
    async (_, write) => {
      for (const reply of ["cut", status(500, "InternalError"), status(504, "Timeout")] as const) {
        server.received.length = 0;
        answers(reply);
        await expect(write(client())).rejects.toMatchObject({ name: "ApiError", outcome: "unknown" });
        expect(server.received).toHaveLength(1);
      }
    },
  );

  test.each(writes)("%s is repeated when the server was too busy to look at it", async (_, write) => {
    answers({ ...status(429, "TooManyRequests"), headers: { "retry-after": "1" } }, ok(object));
    await write(client());
    expect(server.received).toHaveLength(2);
    answers(status(429, "TooManyRequests"));
    await expect(write(client())).rejects.toMatchObject({ status: 429, outcome: "unchanged" });
    expect(server.received).toHaveLength(3);
  });

  test.each(writes)("%s is repeated when nobody listened", async (_, write) => {
    const gone = await new FakeApiServer().start();
    const { url } = gone;
    await gone.stop();
    const connection = connect(kubeConfig(url), { userAgent: "handover/test" });
    const cluster = createClient(connection, { sleep: async (ms) => void slept.push(ms) });
    await expect(write(cluster)).rejects.toMatchObject({ reason: "Unreachable", outcome: "unchanged" });
    expect(slept).toHaveLength(3);
    await connection.close();
  });

  test.each(writes)("%s is not sent by one who has lost the lease, nor repeated after losing it", async (_, write) => {
    let leading = false;
    const fenced = client({ mayWrite: () => leading });
    await expect(write(fenced)).rejects.toMatchObject({ reason: "NotLeader", outcome: "unchanged" });
    expect(server.received).toHaveLength(0);
    leading = true;
    server.handler = () => {
      leading = false;
      return { ...status(429, "TooManyRequests"), headers: { "retry-after": "1" } };
    };
    await expect(write(fenced)).rejects.toMatchObject({ reason: "NotLeader" });
    expect(server.received).toHaveLength(1);
  });

  test("conflicts and absences are values", async () => {
    const changing = writes.filter(([name]) => !name.startsWith("create"));
    for (const [, write] of changing) {
      answers(status(409, "Conflict", "p"));
      expect(await write(client())).toBe("conflict");
      answers(status(404, "NotFound", "p"));
      expect(await write(client())).toBe("gone");
      answers(notServed);
      await expect(write(client())).rejects.toMatchObject({ status: 404 });
      answers(status(422, "Invalid", "p"));
      await expect(write(client())).rejects.toMatchObject({ status: 422, reason: "Invalid" });
    }
    answers(status(409, "AlreadyExists", "p"));
    expect(await client().create(pods, "n", object)).toBe("exists");
    answers(status(409, "Conflict", "p"));
    await expect(client().create(pods, "n", object)).rejects.toMatchObject({ status: 409 });
  });

  test("what each write looks like on the wire", async () => {
    answers(ok(object));
    for (const [, write] of writes) await write(client());
    const pod = "/api/v1/namespaces/n/pods";
    const strict = { fieldValidation: "Strict" };
    expect(
      server.received.map(({ method, path, query, body: sent, headers }) => ({
        method,
        path,
        query,
        sent,
        type: headers["content-type"],
      })),
    ).toEqual([
      { method: "POST", path: pod, query: strict, sent: object, type: "application/json" },
      { method: "PUT", path: `${pod}/p`, query: strict, sent: body, type: "application/json" },
      {
        method: "PUT",
        path: "/apis/backup.handover.dev/v1alpha1/namespaces/n/backuppolicies/p/status",
        query: strict,
        sent: {
          apiVersion: "backup.handover.dev/v1alpha1",
          kind: "BackupPolicy",
          metadata: { name: "p", namespace: "n", resourceVersion: "7" },
          status: {},
        },
        type: "application/json",
      },
      { method: "PATCH", path: `${pod}/p`, query: strict, sent: body, type: "application/merge-patch+json" },
      {
        method: "PUT",
        path: "/apis/apps/v1/namespaces/n/deployments/p/scale",
        query: strict,
        sent: {
          apiVersion: "autoscaling/v1",
          kind: "Scale",
          metadata: { name: "p", namespace: "n", resourceVersion: "7" },
          spec: { replicas: 0 },
        },
        type: "application/json",
      },
      {
        method: "DELETE",
        path: `${pod}/p`,
        query: {},
        sent: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", preconditions: { uid: "u" } },
        type: "application/json",
      },
      { method: "POST", path: "/api/v1/namespaces/n/events", query: strict, sent: {}, type: "application/json" },
    ]);
  });

  test.each([[{}], [{ metadata: {} }], [{ metadata: { resourceVersion: "" } }], [undefined]])(
    "a write over %j without a version is not sent",
    async (unversioned) => {
      await expect(client().update(pods, "n", "p", unversioned)).rejects.toMatchObject({ reason: "Invalid" });
      await expect(client().patch(pods, "n", "p", unversioned)).rejects.toMatchObject({ reason: "Invalid" });
      await expect(client().scale(deployments, "n", "p", 1, "")).rejects.toMatchObject({ reason: "Invalid" });
      expect(server.received).toHaveLength(0);
    },
  );
});
