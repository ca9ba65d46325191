/**
 * A pass: observe, decide, record the status, act, tell. The status is written with the observed resourceVersion before anything
 * is done; when somebody was faster, the pass ends, and nothing has been done.
 */
import { type KubeObject, type Resource } from "../api/kinds.ts";
import { act } from "../cluster/act.ts";
import type { Cluster } from "../cluster/client.ts";
import { ApiError } from "../cluster/errors.ts";
import { isSameJson } from "../cluster/json.ts";
import type { EventRecorder } from "../cluster/events.ts";
import type { Decision } from "../decide/decision.ts";
import type { Log } from "../log.ts";

export interface PassContext {
  readonly cluster: Cluster;
  readonly events: EventRecorder;
  readonly log: Log;
}

export interface PassOutcome {
  /** Milliseconds until the next pass of the key, when no event comes before. */
  readonly wakeAfter: number | undefined;
}

/** After somebody else's write: soon, but not at once. */
const again = 25;

export async function carryOut<Status>(
  context: PassContext,
  resource: Resource,
  object: KubeObject<unknown, Status>,
  decision: Decision<Status | undefined>,
  about: { readonly resource: Resource; readonly object: KubeObject } = { resource, object },
): Promise<PassOutcome> {
  const { cluster, log } = context;
  const { namespace, name } = object.metadata;
  let current: KubeObject = object;
  if (decision.status !== undefined && !isSameJson(decision.status, object.status ?? {})) {
    const { resourceVersion } = object.metadata;
    const written = await cluster.updateStatus(resource, namespace, name, resourceVersion, decision.status);
    if (written === "conflict") return { wakeAfter: again };
    if (written === "gone") return { wakeAfter: undefined };
    current = written;
  }
  let { wakeAfter } = decision;
  for (const action of decision.actions) {
    log.debug({ namespace, name, do: action.do }, "acting");
    try {
      if ((await act(cluster, resource, current, action)) === "again") wakeAfter = Math.min(wakeAfter ?? again, again);
    } catch (error) {
      // The person who set the quota reads events, not our log.
      if (error instanceof ApiError && (error.status === 403 || error.status === 422))
        await context.events.record(resource, current, { type: "Warning", reason: "Refused", message: error.message });
      throw error;
    }
  }
  // An event that cannot be written never holds up a pass.
  await Promise.all(decision.events.map((note) => context.events.record(about.resource, about.object, note)));
  return { wakeAfter };
}
