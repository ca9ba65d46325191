/** What people and other controllers do to a story, at a moment that a plan names. */
import { type Job, type Pod, jobs, leases, pods, policies, restores, runs } from "../../operator/api/kinds.ts";
import { labels } from "../../operator/api/names.ts";
import { aPod } from "../support/builders.ts";
import type { Scenario } from "./scenario.ts";
import { endPod } from "./workloads.ts";

export type Foreign =
  | "scale to 2"
  | "scale to 0"
  | "cancel"
  | "delete"
  | "delete by force"
  | "delete policy"
  | "suspend policy"
  | "delete job"
  | "evict mover"
  | "delete record"
  | "pod on the claim"
  | "compact";

/** A process that nobody has told us of. */
const stranger = aPod("stranger").labelled({ app: "stranger" }).mounting("shop-uploads").build();

export function carryOutForeign(scenario: Scenario, what: Foreign): void {
  const { world, laws } = scenario;
  const mover = (): Pod | undefined =>
    world
      .all<Pod>(pods)
      .find(
        ({ metadata, status }) =>
          metadata.labels?.[labels.step] !== undefined &&
          metadata.deletionTimestamp === undefined &&
          status?.phase === "Running",
      );
  switch (what) {
    case "scale to 2":
    case "scale to 0":
      laws.mayStartHalf = true;
      return scenario.scaleByHand(what === "scale to 2" ? 2 : 0);
    case "cancel":
      return world.find(runs, "shop-1") === undefined && world.find(restores, "back") === undefined
        ? undefined
        : scenario.cancel();
    case "delete by force":
      scenario.meta({ finalizers: [] });
      laws.mayStartHalf = true;
      return scenario.delete();
    case "delete":
      laws.mayStartHalf = true;
      return scenario.delete();
    case "delete policy":
      return world.delete(policies, "shop");
    case "suspend policy":
      return world.change(policies, "shop", ({ spec }) => ({ spec: { ...(spec as object), suspend: true } }));
    case "delete job": {
      const job = world.all<Job>(jobs).find(({ metadata }) => metadata.labels?.[labels.step] !== undefined);
      return job === undefined ? undefined : world.delete(jobs, job.metadata.name);
    }
    case "evict mover": {
      const pod = mover();
      return pod === undefined ? undefined : endPod(world, pod.metadata.name);
    }
    case "delete record": {
      laws.mayForget = true;
      const [record] = scenario.records;
      return record === undefined ? undefined : world.delete(leases, record.metadata.name);
    }
    case "pod on the claim":
      return void world.put(pods, stranger);
    case "compact":
      return world.compact();
  }
}
