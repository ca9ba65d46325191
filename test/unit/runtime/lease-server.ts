/** Leases as an API server keeps them, with latency and faults on demand. */
import type { KubeObject, Resource } from "../../../operator/api/kinds.ts";
import type { Cluster } from "../../../operator/cluster/client.ts";
import { ApiError } from "../../../operator/cluster/errors.ts";
import { sleep, type Clock } from "../../../operator/runtime/clock.ts";

/** `lost`: the write is committed, the answer never comes. */
export type Fault = "refuse" | "hang" | "lost" | undefined;

export interface Weather {
  readonly fault: Fault;
  /** Milliseconds before the server acts, and again before the answer arrives. */
  readonly latency: number;
}

interface Spec {
  readonly holderIdentity?: string;
  readonly leaseTransitions?: number;
  readonly renewTime?: string;
}

export class LeaseServer {
  lease: KubeObject<Spec> | undefined;
  #version = 0;

  get holder(): string | undefined {
    return this.lease?.spec.holderIdentity;
  }

  /** A client whose requests meet the weather that `next` tells. */
  client(
    clock: Clock,
    next: () => Weather = () => ({ fault: undefined, latency: 0 }),
  ): Pick<Cluster, "get" | "create" | "update"> {
    const through = async <R>(act: () => R): Promise<R> => {
      const { fault, latency } = next();
      if (latency > 0) await sleep(clock, latency);
      if (fault === "refuse")
        throw new ApiError({ status: 500, reason: "InternalError", message: "no", outcome: "unknown" });
      if (fault === "hang") return new Promise<R>(() => undefined);
      const result = act();
      if (latency > 0) await sleep(clock, latency);
      if (fault === "lost") throw new ApiError({ status: 0, reason: "Timeout", message: "no", outcome: "unknown" });
      return result;
    };
    const store = (body: unknown): KubeObject<Spec> => {
      const copy = JSON.parse(JSON.stringify(body));
      this.lease = { ...copy, metadata: { ...copy.metadata, uid: "lease", resourceVersion: String(++this.#version) } };
      return this.lease!;
    };
    // The port's methods return the type their caller names; here all objects are leases.
    const client = {
      get: async () => through(() => this.lease),
      create: async (_: Resource, _namespace: string, body: unknown) =>
        through(() => (this.lease === undefined ? store(body) : "exists")),
      update: async (_: Resource, _namespace: string, _name: string, body: KubeObject) =>
        through(() => {
          if (this.lease === undefined) return "gone";
          return body.metadata.resourceVersion === this.lease.metadata.resourceVersion ? store(body) : "conflict";
        }),
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return client as unknown as Pick<Cluster, "get" | "create" | "update">;
  }
}
