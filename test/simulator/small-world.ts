/**
 * A world so small that everything that can happen in it can be tried: one workload, two policies with a run each, a person who
 * scales, two processes of the controller, a guard. One move is one write, or one thing that happens by itself. The real observe,
 * decide and act make the moves; a process remembers nothing between two passes, so what it is in the middle of is all its state.
 */
import { hash } from "node:crypto";
import {
  type BackupRun,
  type Job,
  type KubeObject,
  type Lease,
  type Pod,
  type RunStatus,
  type Workload,
  claims,
  deployments,
  jobs,
  pods,
  policies,
  runs,
} from "../../operator/api/kinds.ts";
import { finalizer, jobNameLabel, labels } from "../../operator/api/names.ts";
import { formatInstant } from "../../operator/domain/instant.ts";
import { aClaim, aPod, aPolicy, aRun, aWorkload } from "../support/builders.ts";
import { World, recordsOf } from "./world.ts";

/** Texts for people: no decision rests on them, so worlds that differ in nothing else are one. */
const texts = new Set(["message", "advice", "display", "reason", "lastTransitionTime", "resourceVersion"]);
const contentOf = (object: KubeObject): string =>
  hash(
    "md5",
    JSON.stringify(object, (key, value: unknown) => (texts.has(key) ? undefined : value)),
  );
const newWorld = (): World => new World({ collectsAfter: 0, versionOf: contentOf });

/** From the stop on: what comes before and after it is not what this search is about. */
function runFromTheStop(name: string, policyName: string, world: World): BackupRun {
  const at = formatInstant(world.now);
  const policy = aPolicy(policyName).build();
  const done = { state: "Done", startedAt: at, finishedAt: at } as const;
  const status: RunStatus = {
    policy: policy.spec,
    policyUID: policy.metadata.uid,
    workloads: [{ kind: "Deployment", name: "shop", uid: "shop-uid", replicas: 1 }],
    seq: 1,
    steps: [
      { name: "Accept", ...done },
      { name: "Preflight", ...done },
      { name: "Quiesce", state: "Pending" },
      { name: "Capture", state: "Pending" },
      { name: "GiveBack", state: "Pending" },
    ],
  };
  return aRun(name)
    .forPolicy(policyName)
    .meta({ finalizers: [finalizer] })
    .status(status)
    .build();
}

export function firstWorld(): World {
  const world = newWorld();
  for (const name of ["shop-backups", "shop-uploads", "vault"]) world.put(claims, aClaim(name));
  for (const name of ["shop", "other"]) world.put(policies, aPolicy(name).build());
  world.put(deployments, aWorkload("shop").replicas(1).build());
  world.put(pods, appPod);
  world.put(runs, runFromTheStop("shop-1", "shop", world));
  world.put(runs, runFromTheStop("other-1", "other", world));
  return world;
}

const appPod = aPod("shop-0").mounting("shop-uploads").build();
const isMoverPod = ({ metadata }: Pod): boolean => metadata.labels?.[labels.step] !== undefined;
const released = JSON.stringify({ version: 1, ok: true, step: "release", releasedAt: "2026-11-21T01:00:00Z" });
const dumped = JSON.stringify({
  version: 1,
  ok: true,
  step: "dump",
  bytes: 1,
  storedBytes: 1,
  tables: 1,
  rows: 1,
  seconds: 1,
  peakMiB: 1,
});
const archived = JSON.stringify({
  version: 1,
  ok: true,
  step: "archive",
  bytes: 1,
  storedBytes: 1,
  files: 1,
  freezeSeconds: 0,
  seconds: 1,
  peakMiB: 1,
  warnings: [],
});
const says: Readonly<Record<string, string>> = { release: released, dump: dumped, archive: archived };

type Happening = readonly [what: string, happen: (world: World) => void, job?: string];
const ended = (message: string): { terminated: { exitCode: number; message: string } } => ({
  terminated: { exitCode: 0, message },
});

/** What Kubernetes does next by itself, each thing on its own. */
export function happeningsIn(world: World): readonly Happening[] {
  const found: Happening[] = [];
  const workload = world.find<Workload>(deployments, "shop");
  const app = world.find<Pod>(pods, "shop-0");
  const wanted = workload?.spec.replicas ?? 0;
  const settle =
    (ready: number) =>
    (to: World): void => {
      to.change<Workload>(deployments, "shop", ({ metadata }) => ({
        status: {
          observedGeneration: metadata.generation ?? 1,
          replicas: ready,
          readyReplicas: ready,
          updatedReplicas: ready,
        },
      }));
    };
  if (wanted === 0 && app !== undefined)
    found.push(["the app's last process ends", (to) => (to.delete(pods, "shop-0"), settle(0)(to))]);
  if (wanted > 0 && app === undefined) found.push(["the app's process starts", (to) => void to.put(pods, appPod)]);
  const settled =
    workload?.status?.readyReplicas === wanted && workload.status.observedGeneration === workload.metadata.generation;
  if (wanted > 0 && app !== undefined && !settled) found.push(["the app is ready", settle(wanted)]);
  for (const job of world.all<Job>(jobs)) {
    const { name } = job.metadata;
    const own = world.all<Pod>(pods).find(({ metadata }) => metadata.labels?.[jobNameLabel] === name);
    if (own === undefined) found.push([`${name} gets its pod`, (to) => startPod(to, job)]);
    else if (isMoverPod(own)) found.push(...movesOf(own, name));
  }
  for (const pod of world.all<Pod>(pods)) {
    const of = pod.metadata.labels?.[jobNameLabel];
    if (of !== undefined && world.find(jobs, of) === undefined)
      found.push([`${pod.metadata.name} ends`, (to) => to.delete(pods, pod.metadata.name)]);
  }
  return found;
}

function startPod(world: World, job: Job): void {
  const guard = job.metadata.labels?.[labels.guard] !== undefined;
  const { template } = job.spec as { template: { metadata: { labels: Record<string, string> }; spec: Pod["spec"] } };
  const { name } = job.metadata;
  world.put<Pod>(pods, {
    ...aPod(`${name}-pod`)
      .madeBy(name, job.metadata.uid)
      .meta({ labels: { ...template.metadata.labels, [jobNameLabel]: name } })
      .build(),
    spec: {
      containers: template.spec.containers.map((one) => ({ name: one.name })),
      volumes: template.spec.volumes ?? [],
    },
    status: {
      phase: "Running",
      conditions: guard ? [{ type: "Ready", status: "True" }] : [],
      containerStatuses: template.spec.containers.map((one) => ({ name: one.name, state: { running: {} } })),
    },
  });
}

/** A capture lets the app go, and is done later. */
function movesOf(pod: Pod, job: string): readonly Happening[] {
  const statuses = pod.status?.containerStatuses ?? [];
  const open = statuses.filter(({ state }) => state?.terminated === undefined);
  if (open.length === 0) return [];
  const first = open.some(({ name }) => name === "release") ? ["release"] : open.map(({ name }) => name);
  const end = (world: World): void =>
    world.change<Pod>(pods, pod.metadata.name, ({ status }) => ({
      status: {
        ...status,
        phase: first[0] === "release" ? "Running" : "Succeeded",
        containerStatuses: statuses.map((one) =>
          first.includes(one.name) ? { ...one, state: ended(says[one.name] ?? "") } : one,
        ),
      },
    }));
  return [[`${pod.metadata.name} ends its ${first.join(" and ")}`, end, job]];
}

export const frozenPods = (world: World): readonly Pod[] =>
  world
    .all<Pod>(pods)
    .filter((pod) =>
      pod.status?.containerStatuses?.some(({ name, state }) => name === "release" && state?.terminated === undefined),
    );
export const appRuns = (world: World): boolean => world.find(pods, "shop-0") !== undefined;
export const recordIn = (world: World): Lease | undefined => recordsOf(world)[0];
