/** The port to Kubernetes as a test wants it: answers what it is told, and writes down every call. */
import type { Cluster } from "../../operator/cluster/client.ts";

type Method = keyof Cluster;
export type Call = readonly [method: Method, ...args: readonly unknown[]];

export interface RecordedCluster {
  readonly cluster: Cluster;
  readonly calls: Call[];
}

const reads: readonly string[] = ["get", "list", "lastState", "getScale"];

/** @param answers what a method returns: a value, or a function of its arguments. A write that is not told of is `done`. */
export function recordCluster(answers: Readonly<Partial<Record<Method, unknown>>> = {}): RecordedCluster {
  const calls: Call[] = [];
  const answer = (method: Method, args: readonly unknown[]): unknown => {
    const told = answers[method];
    if (typeof told === "function") return told(...args);
    return told ?? (reads.includes(method) ? undefined : "done");
  };
  const call =
    (method: Method) =>
    async (...args: readonly unknown[]): Promise<unknown> => {
      calls.push([method, ...args]);
      return answer(method, args);
    };
  const methods: readonly Method[] = [
    "get",
    "list",
    "lastState",
    "create",
    "update",
    "updateStatus",
    "patch",
    "getScale",
    "scale",
    "remove",
    "createEvent",
  ];
  return { cluster: Object.fromEntries(methods.map((method) => [method, call(method)])) as unknown as Cluster, calls };
}

export const writesOf = ({ calls }: RecordedCluster): readonly Call[] =>
  calls.filter(([method]) => !reads.includes(method));
