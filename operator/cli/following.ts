/** Follows an object to its end: one line for each change, patience with a cluster that is away for a while, and Ctrl-C. */
import type { KubeObject, Resource } from "../api/kinds.ts";
import { ApiError } from "../cluster/errors.ts";
import { Failure, exitCodes } from "./failure.ts";
import { exactTime } from "./table.ts";
import type { Invocation } from "./verb.ts";

const pollMs = 1_000;
/** An API server that restarts is away for less. */
const longestSilenceMs = 300_000;

export interface Followed<T extends KubeObject> {
  readonly resource: Resource;
  readonly object: T;
  readonly lineOf: (seen: T) => string;
  readonly isOver: (seen: T) => boolean;
  /** What is said when it is not followed any more. */
  readonly goesOn: string;
}

/** @returns it as it ended; undefined when somebody has interrupted the following. @throws Failure when it is gone, ApiError when the cluster stays away */
export async function follow<T extends KubeObject>(
  { cluster, terminal, args }: Invocation,
  { resource, object, lineOf, isOver, goesOn }: Followed<T>,
): Promise<T | undefined> {
  const { namespace, name, uid } = object.metadata;
  const stopped = new AbortController();
  const takeOff = terminal.onInterrupt(() => stopped.abort());
  let told = "";
  let silentSince: number | undefined;
  /** @returns "away" when no answer came, and there is patience left. */
  const look = async (): Promise<T | undefined | "away"> => {
    try {
      const seen = await cluster.get<T>(resource, namespace, name);
      silentSince = undefined;
      return seen;
    } catch (error) {
      const away = error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!away) throw error;
      if (silentSince === undefined) terminal.err(`${error.message}; it goes on, still trying\n`);
      silentSince ??= terminal.now();
      if (terminal.now() - silentSince > longestSilenceMs) throw error;
      return "away";
    }
  };
  try {
    while (!stopped.signal.aborted) {
      const seen = await look();
      if (seen !== "away") {
        if (seen === undefined || seen.metadata.uid !== uid)
          throw new Failure(
            exitCodes.notSo,
            `${resource.kind} ${name} was deleted`,
            `kubectl handover list -n ${namespace}`,
          );
        const line = lineOf(seen);
        if (line !== told && args.output === "table") terminal.out(`${exactTime(terminal.now())}  ${line}\n`);
        told = line;
        if (isOver(seen)) return seen;
      }
      await terminal.sleep(pollMs, stopped.signal);
    }
  } finally {
    takeOff();
  }
  terminal.err(`\nNot followed any more. ${goesOn}\n`);
  return undefined;
}
