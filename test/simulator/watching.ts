/** Lists and watches of one process in the cluster in memory, and what can befall an event on its way. */
import type { KubeObject, Resource } from "../../operator/api/kinds.ts";
import { ApiError } from "../../operator/cluster/errors.ts";
import type { ListWatch, WatchEvent, WatchOptions, WatchOutcome } from "../../operator/cluster/watch.ts";
import { type Change, type World, matchesLabels } from "./world.ts";

/** Lost on the way; told twice; late by some seconds, and all after it; its connection ends and it comes after a new one; history is lost. */
export type EventFault = "drop" | "twice" | "late" | "cut" | "expired" | "malformed";
export interface Heard {
  readonly plural: string;
  readonly type: "added" | "modified" | "deleted";
  readonly name: string;
}
export interface WatchFaults {
  readonly fault?: (event: Heard) => EventFault | undefined;
  /** No event ever comes: what is left are lists and timers. */
  readonly dead?: boolean;
}

/** From the commit of a write to the event of it. */
const latency = 2;
const lateness = 5_000;

export function listWatchOf<T extends KubeObject>(
  world: World,
  resource: Resource,
  labels: string | undefined,
  faults: WatchFaults,
  isAlive: () => boolean,
): ListWatch<T> {
  const eventOf = ({ resource: of, before, after }: Change): WatchEvent<T> | undefined => {
    const object = (after ?? before) as T | undefined;
    if (of !== resource || object === undefined || !matchesLabels(object, labels)) return undefined;
    const type = before === undefined ? "added" : after === undefined ? "deleted" : "modified";
    return { type, object };
  };
  return {
    listPage: async ({ signal }) => {
      if (signal.aborted)
        throw new ApiError({ status: 0, reason: "Aborted", message: "stopped", outcome: "unchanged" });
      return {
        items: world.all<T>(resource).filter((object) => matchesLabels(object, labels)),
        resourceVersion: String(world.version),
      };
    },
    watch: ({ resourceVersion, signal, onOpen, onEvent }: WatchOptions<T>) =>
      new Promise<WatchOutcome>((resolve) => {
        const missed = world.since(Number(resourceVersion));
        if (missed === undefined) return resolve({ type: "expired" });
        let lastAt = 0;
        let open = true;
        const end = (outcome: WatchOutcome): void => {
          open = false;
          world.onChange.delete(hear);
          resolve(outcome);
        };
        const deliver = (event: WatchEvent<T>, delay: number): void => {
          // In their order, whatever each of them takes.
          lastAt = Math.max(lastAt, world.now + delay);
          world.after(lastAt - world.now, () => {
            if (open && isAlive()) onEvent(event);
          });
        };
        const hear = (change: Change): void => {
          const event = eventOf(change);
          if (event === undefined || event.type === "bookmark" || !isAlive()) return;
          const { name } = event.object.metadata;
          const versioned = {
            ...event.object,
            metadata: { ...event.object.metadata, resourceVersion: String(change.version) },
          };
          const told = { ...event, object: event.type === "deleted" ? versioned : event.object };
          const fault = faults.fault?.({ plural: resource.plural, type: event.type, name });
          if (fault === "drop") return;
          if (fault === "cut") return end({ type: "closed" });
          if (fault === "expired") return end({ type: "expired" });
          if (fault === "malformed") return end({ type: "malformed", message: "not JSON" });
          deliver(told, fault === "late" ? lateness : latency);
          if (fault === "twice") deliver(told, latency);
        };
        signal.addEventListener("abort", () => end({ type: "closed" }), { once: true });
        if (signal.aborted) return end({ type: "closed" });
        onOpen();
        if (faults.dead === true) return;
        for (const change of missed) hear(change);
        if (open) world.onChange.add(hear);
      }),
  };
}
