/** What the runtime's tests against a real API server share: a namespace of their own, and a wire that can be cut. */
import { createServer, connect as dial, isIP, type AddressInfo, type Server, type Socket } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import type { KubeObject, Resource } from "../../operator/api/kinds.ts";
import { createClient, type Cluster } from "../../operator/cluster/client.ts";
import { connect, loadKubeConfig, type Connection } from "../../operator/cluster/connection.ts";

export const namespaces: Resource = { group: "", version: "v1", plural: "namespaces", kind: "Namespace" };
export const configMaps: Resource = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap" };
export const secrets: Resource = { group: "", version: "v1", plural: "secrets", kind: "Secret" };

export const kubeconfigPath = (): string => {
  const path = process.env["HANDOVER_TEST_KUBECONFIG"];
  if (!path) throw new Error("HANDOVER_TEST_KUBECONFIG is not set: these tests need a real API server");
  return path;
};

/** Forwards TCP to the API server; counts connections, cuts them, or goes silent without closing anything. */
export class Wire {
  connections = 0;
  frozen = false;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      this.connections++;
      const far = dial({ host: target.hostname, port: Number(target.port || 443) });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on("data", (bytes) => void (this.frozen || to.write(bytes)));
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  static async open(target: URL): Promise<Wire> {
    const wire = new Wire(target);
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export interface Bed {
  readonly cluster: Cluster;
  readonly connection: Connection;
  readonly wire: Wire;
  readonly namespace: string;
  /** The same cluster by the same wire as another user. */
  withToken(token: string): { readonly cluster: Cluster; readonly connection: Connection };
  close(): Promise<void>;
}

export const openBed = async (prefix: string): Promise<Bed> => {
  const config = loadKubeConfig(kubeconfigPath());
  const given = config.getCurrentCluster();
  if (given === null) throw new Error("the kubeconfig has no cluster");
  const wire = await Wire.open(new URL(given.server));
  const { hostname } = new URL(given.server);
  // An address is no server name in TLS; certificates of a server reached by address cover 127.0.0.1 or localhost.
  const naming = isIP(hostname) === 0 ? { tlsServerName: hostname } : {};
  const near = { ...given, ...naming, server: `https://127.0.0.1:${wire.port}` };
  const through = (user: Parameters<KubeConfig["addUser"]>[0]): Connection => {
    const wired = new KubeConfig();
    wired.loadFromClusterAndUser(near, user);
    return connect(wired, { userAgent: "handover/test" });
  };
  const user = config.getCurrentUser();
  if (user === null) throw new Error("the kubeconfig has no user");
  const connection = through(user);
  const cluster = createClient(connection);
  const namespace = `${prefix}-${Date.now().toString(36)}`;
  await cluster.create(namespaces, "", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  return {
    cluster,
    connection,
    wire,
    namespace,
    withToken: (token) => {
      const other = through({ name: "other", token });
      return { cluster: createClient(other), connection: other };
    },
    close: async () => {
      const found = await cluster.get(namespaces, "", namespace);
      if (found !== undefined) await cluster.remove(namespaces, "", namespace, { uid: found.metadata.uid });
      await connection.close();
      await wire.close();
    },
  };
};

export const configMap = (name: string, value: string): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels: { suite: "runtime" } },
  data: { value },
});

/** Creates or throws. */
export const make = async (
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  body: unknown,
): Promise<KubeObject> => {
  const made = await cluster.create(resource, namespace, body);
  if (made === "exists") throw new Error("the object exists");
  return made;
};
