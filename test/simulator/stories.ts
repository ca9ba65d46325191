/** The reference stories of the simulator, by name: a replay begins with one of them. */
import { aPolicy, aRestore, aRun, aWorkload, schedule, sink } from "../support/builders.ts";
import type { Ending } from "./kubelet.ts";
import { plannedGeneration } from "./movers.ts";
import type { Story } from "./scenario.ts";

const ends =
  (which: string, how: Ending, attempt = 0) =>
  (step: string, number: number): Ending | undefined =>
    step === which && (attempt === 0 || attempt === number) ? how : undefined;

const run = aRun().build();
const restore = aRestore().build();
const two = aPolicy()
  .workloads({ kind: "Deployment", name: "shop" }, { kind: "Deployment", name: "worker" })
  .sinks(sink("vault"), sink("offsite", { required: false }))
  .build();
const workloads = [aWorkload("shop").replicas(3).build(), aWorkload("worker").replicas(1).build()];

export const stories = {
  run: (): Story => ({ run, policy: two, workloads }),
  "small run": (): Story => ({ run }),
  "run that prunes": (): Story => ({ run, script: { superseded: 2 } }),
  "database run": (): Story => ({ run: aRun().of("Database").build() }),
  "incremental run": (): Story => ({ run: aRun().of("Incremental").build(), sealed: [plannedGeneration] }),
  "unchanged configuration": (): Story => ({
    run: aRun().of("Config").build(),
    policy: aPolicy()
      .spec({ config: { configMaps: [{ name: "settings" }] } })
      .build(),
    sealed: ["000001-20261120T010000Z-config"],
  }),
  "stateful run": (): Story => ({
    run,
    policy: aPolicy().workloads({ kind: "StatefulSet", name: "shop" }).build(),
    workloads: [],
    statefulSets: [aWorkload("shop").replicas(2).build()],
  }),
  "scheduled run": (): Story => ({ policy: aPolicy().schedules(schedule("nightly", "1 1 21 11 *")).build() }),
  "parked app": (): Story => ({ run, workloads: [aWorkload("shop").replicas(0).build()] }),
  restore: (): Story => ({ restore }),
  "two policies": (): Story => ({
    policies: [aPolicy("other").build()],
    run,
    runs: [aRun("other-1").forPolicy("other").build()],
  }),
  "failed capture": (): Story => ({ run, script: { ending: ends("capture", "silent") } }),
  "seal never placed": (): Story => ({ run, script: { ending: ends("seal", "pending") } }),
  twins: (): Story => ({
    run,
    script: { ending: (step) => (["capture", "seal"].includes(step) ? "twin" : undefined) },
  }),
  "dead sink": (): Story => ({ run, script: { ending: ends("transport/vault", { code: "HO-T501", retry: true }) } }),
  "second exchange": (): Story => ({ restore, script: { ending: ends("swap", "silent", 1) } }),
  "app that hangs": (): Story => ({
    run,
    policy: aPolicy().app({ stopTimeout: "5s" }).build(),
    script: { stopTakes: Infinity },
  }),
} as const satisfies Readonly<Record<string, () => Story>>;
export type StoryName = keyof typeof stories;
