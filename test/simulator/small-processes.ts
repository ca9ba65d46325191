/** Passes of the small world, write by write: the real ones, stopped before each write and continued from what was answered. */
import { hash } from "node:crypto";
import { type BackupRun, type KubeObject, type Lease, type Resource, leases, runs } from "../../operator/api/kinds.ts";
import type { Cluster } from "../../operator/cluster/client.ts";
import { EventRecorder } from "../../operator/cluster/events.ts";
import { observeRecord, observeRun } from "../../operator/cluster/observe.ts";
import type { Decision } from "../../operator/decide/decision.ts";
import { parseRecord, workloadResource } from "../../operator/decide/record.ts";
import { decideRecord, decideRelease, isOverdue } from "../../operator/decide/record-step.ts";
import { decideRun } from "../../operator/decide/run.ts";
import { carryOut } from "../../operator/runtime/reconcile.ts";
import { namespace, settings } from "../support/builders.ts";
import { silentLog } from "../support/silent-log.ts";
import { portOf } from "./port.ts";
import { type World, recordsOf } from "./world.ts";

/** A pass between two of its writes. */
export interface InFlight {
  readonly key: string;
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly decision: Decision<unknown>;
  /** Of the writes that are done, in order. */
  readonly answers: readonly unknown[];
  /** Equal for equal passes. */
  readonly id: string;
}

const events = new EventRecorder({
  cluster: { create: async () => "exists", patch: async () => "gone" },
  instance: "small",
  now: () => 0,
  monotonic: () => 0,
  onFailure: () => undefined,
});

const identify = (pass: Omit<InFlight, "id">): InFlight => {
  const { key, object, decision, answers } = pass;
  return { ...pass, id: hash("md5", JSON.stringify([key, object.metadata.resourceVersion, decision, answers])) };
};

export const keysIn = (world: World): readonly string[] => [
  ...world.all(runs).map(({ metadata }) => `run/${metadata.name}`),
  ...recordsOf(world).map(({ metadata }) => `record/${metadata.name}`),
];

/** What a pass of the key would do now; undefined when that is nothing. */
export async function begin(world: World, key: string): Promise<InFlight | undefined> {
  const [kind, name = ""] = key.split("/");
  const cluster = portOf(world);
  const now = world.now;
  let pass: Omit<InFlight, "id" | "key" | "answers"> | undefined;
  if (kind === "run") {
    const run = world.find<BackupRun>(runs, name);
    if (run === undefined) return undefined;
    const decision = decideRun(await observeRun(cluster, run, world.all<BackupRun>(runs), settings), now);
    pass = { resource: runs, object: run, decision };
  } else {
    const lease = world.find<Lease>(leases, name);
    if (lease === undefined) return undefined;
    pass = {
      resource: leases,
      object: lease,
      decision: decideRecord(await observeRecord(cluster, lease), settings, now),
    };
  }
  return isIdle(pass.object, pass.decision) ? undefined : identify({ key, ...pass, answers: [] });
}

/** The same for a guard, which goes by the clock alone. */
export async function beginGuard(world: World): Promise<InFlight | undefined> {
  const [lease] = recordsOf(world);
  const record = lease === undefined ? undefined : parseRecord(lease);
  if (lease === undefined || record === undefined) return undefined;
  if (record.holders.some((holder) => !isOverdue(holder, world.now))) return undefined;
  const scale = await portOf(world).getScale(workloadResource(record.target.kind), namespace, record.target.name);
  const decision = decideRelease(lease, scale?.metadata.uid === record.target.uid ? scale : undefined, world.now);
  return decision.actions.length === 0
    ? undefined
    : identify({ key: "guard", resource: leases, object: lease, decision, answers: [] });
}

const stored = (value: unknown): string => JSON.stringify(value ?? {});
const isIdle = (object: KubeObject, { status, actions }: Decision<unknown>): boolean =>
  actions.length === 0 && (status === undefined || stored(status) === stored(object.status));

class Pause extends Error {}

/** What nobody looks at can be written together with what comes next: the order makes no difference to anybody. */
const unseen = new Set(["serviceaccounts", "roles", "rolebindings"]);

type Perform = <T>(what: Next, perform: () => Promise<T>) => Promise<T>;
interface Next {
  readonly plural: string;
  readonly name: string;
  /** The version that the write is bound to; undefined for one that makes something new. */
  readonly version?: string | undefined;
}

/** The real pass, with a hand on each of its writes. */
async function carryOutBy(world: World, pass: InFlight, perform: Perform): Promise<void> {
  const port = portOf(world);
  const versionOf = (body: unknown): string | undefined =>
    (body as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
  const cluster: Cluster = {
    ...port,
    create: async (resource, of, body) =>
      perform({ plural: resource.plural, name: "" }, () => port.create(resource, of, body)),
    update: async ({ plural }, of, name, body) =>
      perform({ plural, name, version: versionOf(body) }, () => port.update(leases, of, name, body)),
    updateStatus: async (resource, of, name, version, status) =>
      perform({ plural: resource.plural, name, version }, () => port.updateStatus(resource, of, name, version, status)),
    patch: async (resource, of, name, body) =>
      perform({ plural: resource.plural, name, version: versionOf(body) }, () => port.patch(resource, of, name, body)),
    scale: async (resource, of, name, replicas, version) =>
      perform({ plural: resource.plural, name, version }, () => port.scale(resource, of, name, replicas, version)),
    remove: async (resource, of, name, conditions) =>
      perform({ plural: resource.plural, name, version: conditions.resourceVersion }, () =>
        port.remove(resource, of, name, conditions),
      ),
  };
  await carryOut({ cluster, events, log: silentLog }, pass.resource, pass.object, pass.decision);
}

/** Goes through the writes that are done, then calls with the next one. @returns the answers so far, undefined at the end. */
async function continueFrom(world: World, pass: InFlight, next: Perform): Promise<readonly unknown[] | undefined> {
  const answers = [...pass.answers];
  let asked = 0;
  try {
    await carryOutBy(world, pass, async <T>(what: Next, perform: () => Promise<T>) => {
      const index = asked++;
      if (index < pass.answers.length) return pass.answers[index] as T;
      const answer = await next(what, perform);
      answers.push(answer);
      return answer;
    });
    return undefined;
  } catch (error) {
    if (error instanceof Pause) return answers;
    throw error;
  }
}

/** Carries out the next write of the pass. @returns what is left of it. */
export async function proceed(world: World, pass: InFlight): Promise<InFlight | undefined> {
  let done = false;
  const answers = await continueFrom(world, pass, async (what, perform) => {
    if (done) throw new Pause();
    done = !unseen.has(what.plural);
    return perform();
  });
  return answers === undefined ? undefined : identify({ ...pass, answers });
}

/**
 * A write that is bound to a version that has passed will be refused, now or later, because no version ever comes again. So it may
 * as well be refused at once, and passes that differ only in such writes are one.
 */
export async function refuseTheLate(world: World, pass: InFlight): Promise<InFlight | undefined> {
  const answers = await continueFrom(world, pass, async <T>({ plural, name, version }: Next) => {
    const current = version === undefined ? undefined : world.findBy(plural, name)?.metadata.resourceVersion;
    if (version === undefined || version === current) throw new Pause();
    return "conflict" as T;
  });
  if (answers === undefined) return undefined;
  return answers.length === pass.answers.length ? pass : identify({ ...pass, answers });
}
