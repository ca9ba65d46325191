/**
 * Gives back every app that a quiesce record still holds, lets go of the runs and restores, then ends. For the moment when the
 * controller goes for good: the chart runs it before an uninstall, and a person may. It takes the controller's place first, so that
 * nothing is stopped behind its back, and it waits for a restore under way, because in the middle of an exchange an app must not
 * start.
 */
import {
  type HeldWorkload,
  type KubeObject,
  type Lease,
  type RunStatus,
  type Workload,
  deployments,
  leases,
  restores,
  runs,
} from "./api/kinds.ts";
import { labels } from "./api/names.ts";
import { act } from "./cluster/act.ts";
import { type Cluster, createClient } from "./cluster/client.ts";
import { connect, loadKubeConfig } from "./cluster/connection.ts";
import { ApiError } from "./cluster/errors.ts";
import { type Config, readConfig } from "./config.ts";
import { isOpen, mayBeHalf } from "./decide/exchange.ts";
import { isHeldBack, letGo } from "./decide/finalizers.ts";
import { isExchanging, parseRecord, rebuildRecord, workloadResource } from "./decide/record.ts";
import { decideRelease } from "./decide/record-step.ts";
import { isOver } from "./decide/step.ts";
import { isLeftAtZero } from "./decide/giving-back.ts";
import { type Log, createLog } from "./log.ts";
import { type Clock, sleep, systemClock } from "./runtime/clock.ts";
import { LeaderElector } from "./runtime/leader.ts";
import { version } from "./version.ts";

/** Between two looks at records that are being worked on. */
const glance = 200;
/** For a restore to end, and for the apps to be given back. */
const patience = 120_000;
const list = `kubectl get leases -A -l ${labels.record}=true`;

interface Context {
  readonly config: Config;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Log;
}

/** A run or a restore, as far as it holds an app. */
type Held = KubeObject<unknown, Pick<RunStatus, "steps" | "workloads">>;

const scopeOf = ({ watchNamespace }: Config): { readonly namespace?: string } =>
  watchNamespace === undefined ? {} : { namespace: watchNamespace };

const recordsOf = ({ cluster, config }: Context): Promise<readonly Lease[]> =>
  cluster.list<Lease>(leases, { ...scopeOf(config), labels: `${labels.record}=true` });

/** Repeats until it is so. @throws with the sentence when patience ends. */
async function until(context: Context, sentence: string, done: () => Promise<boolean>): Promise<void> {
  const end = context.clock.monotonic() + patience;
  while (!(await done())) {
    if (context.clock.monotonic() > end) throw new Error(sentence);
    await sleep(context.clock, glance);
  }
}

const exchanges = (lease: Lease): boolean => {
  const record = parseRecord(lease);
  return record !== undefined && isExchanging(record);
};
const exchangeUnderWay = `a restore is exchanging the state of an app; try again when it is over: ${list}`;
const isRestoring = (lease: Lease): boolean =>
  parseRecord(lease)?.holders.some(({ kind }) => kind === "RestoreRequest") ?? false;

async function stopController(context: Context): Promise<void> {
  const { config, cluster } = context;
  const name = config.deployment;
  if (name === undefined) return;
  await until(context, `Deployment ${name} could not be scaled to 0`, async () => {
    const controller = await cluster.get<Workload>(deployments, config.namespace, name);
    if (controller === undefined || controller.spec.replicas === 0) return true;
    await cluster.scale(deployments, config.namespace, name, 0, controller.metadata.resourceVersion);
    return false;
  });
}

async function releaseOnce(context: Context, lease: Lease): Promise<void> {
  const { cluster, clock, log } = context;
  const target = parseRecord(lease)?.target;
  const { namespace } = lease.metadata;
  const found =
    target === undefined
      ? undefined
      : await cluster.get<Workload>(workloadResource(target.kind), namespace, target.name);
  const workload = found?.metadata.uid === target?.uid ? found : undefined;
  const { actions, events } = decideRelease(lease, workload, clock.now());
  for (const event of events) log.info({ namespace, record: lease.metadata.name, reason: event.reason }, event.message);
  for (const action of actions) await act(cluster, leases, lease, action);
}

/** Whoever has removed the kinds has removed the objects. */
const ifNoKind = (error: unknown): readonly Held[] => {
  if (error instanceof ApiError && error.status === 404) return [];
  throw error;
};

/** Workloads that the object has stopped and not given back, and whose record somebody has deleted. */
async function forgotten({ cluster }: Context, { metadata, status }: Held): Promise<readonly HeldWorkload[]> {
  // What was given back and is at zero now, a person has parked.
  if (isOver(status?.steps?.find(({ name }) => name === "GiveBack"))) return [];
  const found: HeldWorkload[] = [];
  for (const item of status?.workloads ?? []) {
    const workload = await cluster.get<Workload>(workloadResource(item.kind), metadata.namespace, item.name);
    if (isLeftAtZero(item, workload)) found.push(item);
  }
  return found;
}

/**
 * Without a controller nobody would take the finalizers away, and a run or a namespace that is deleted would stay for ever. Called when
 * no record is left.
 * @returns whether none is held back any more. @throws while a restore exchanges the data of an app that needs no record
 */
async function letGoOnce(context: Context): Promise<boolean> {
  const { cluster, config } = context;
  let left = 0;
  for (const resource of [runs, restores])
    for (const object of await cluster.list<Held>(resource, scopeOf(config)).catch(ifNoKind)) {
      if (!isHeldBack(object.metadata)) continue;
      left++;
      const swap = object.status?.steps?.find(({ name }) => name === "Swap");
      if (isOpen(swap) || mayBeHalf(swap)) throw new Error(exchangeUnderWay);
      const lost = await forgotten(context, object);
      for (const item of lost)
        await act(cluster, resource, object, {
          do: "createRecord",
          record: rebuildRecord(object.metadata.namespace, item),
        });
      if (lost.length === 0) await act(cluster, resource, object, letGo(object.metadata));
    }
  return left === 0;
}

export async function giveBackAll(): Promise<void> {
  const read = readConfig(process.env);
  if ("mistakes" in read) throw new Error(read.mistakes.join("; "));
  const { config } = read;
  const log = createLog(config.logLevel);
  const connection = connect(loadKubeConfig(config.kubeconfig), { userAgent: `handover-give-back/${version}` });
  const context: Context = { config, cluster: createClient(connection), clock: systemClock, log };

  await until(context, exchangeUnderWay, async () => {
    return !(await recordsOf(context)).some(isRestoring);
  });
  await stopController(context);
  const elector = new LeaderElector({
    cluster: createClient(connection, { timeoutMs: 2_000, attempts: 1 }),
    namespace: config.namespace,
    name: config.leaseName,
    identity: `${config.podName}-give-back`,
    clock: context.clock,
    log,
  });
  const end = await elector.run(new AbortController().signal, () =>
    until(context, `apps could not be given back: ${list}`, async () => {
      const records = await recordsOf(context);
      // One that began while the controller was being stopped. Its app must not start on a mixture.
      if (records.some(exchanges)) throw new Error(exchangeUnderWay);
      for (const lease of records) await releaseOnce(context, lease);
      return records.length === 0 && letGoOnce(context);
    }),
  );
  if (end === "lost") throw new Error("another controller has taken over; is a second one installed?");
  log.info({}, "no app is held");
  await connection.close();
}
