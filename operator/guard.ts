/**
 * The guard: starts one app again that was stopped for a backup, when nobody else does in time. It runs beside the app, needs
 * neither the controller nor the chart, and outlives both. It does nothing while a hold is valid by its deadline, and nothing at all
 * while an exchange of the app's data is under way. It ends when the record is gone.
 */
import { writeFileSync } from "node:fs";
import { type Lease, leases } from "./api/kinds.ts";
import { act } from "./cluster/act.ts";
import { type Cluster, createClient } from "./cluster/client.ts";
import { connect, loadKubeConfig } from "./cluster/connection.ts";
import { ApiError } from "./cluster/errors.ts";
import { armedFile, guardVariables } from "./decide/guard.ts";
import { isExchanging, parseRecord, workloadResource } from "./decide/record.ts";
import { decideRelease, scaleBack } from "./decide/record-step.ts";
import { parseInstant } from "./domain/instant.ts";
import { type Log, createLog } from "./log.ts";
import { type Clock, sleep, systemClock } from "./runtime/clock.ts";
import { version } from "./version.ts";

/**
 * The controller goes first: what it does at the deadline takes seconds. With the time for the guards to be armed, the record's own
 * grace and the time between two looks, it stays below the two minutes beyond the budget in which the app has to be back.
 */
const grace = 15_000;
/** Between looks at a record that is held, one small request each. */
const patience = 10_000;
const glance = 500;

export interface GuardContext {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  readonly record: string;
  /** Called once, when the API server has answered what the guard needs to ask. */
  readonly armed: () => void;
}

/** Watches over one record until it is gone. */
export async function guard(context: GuardContext, signal: AbortSignal): Promise<void> {
  const { cluster, clock, log, namespace } = context;
  let armed = false;
  /** Since when nobody holds the record, by the clock that nobody sets. */
  let freeSince: number | undefined;
  const left = countdown(clock);
  while (!signal.aborted) {
    let wait = patience;
    try {
      const lease = await cluster.get<Lease>(leases, namespace, context.record);
      if (lease === undefined) return log.info({}, "the record is gone");
      const held = heldFor(lease, left);
      freeSince = held > 0 ? undefined : (freeSince ?? clock.monotonic());
      // At the deadline and not at the next round look: how long an app may stay at zero is promised.
      if (held > 0) wait = Math.min(patience, Math.max(held, glance));
      const due = freeSince !== undefined && clock.monotonic() - freeSince >= grace;
      if (due || !armed) {
        const scale = await readScale(context, lease);
        if (!armed) context.armed();
        armed = true;
        if (due) wait = await release(context, lease, scale);
      }
    } catch (error) {
      // Whatever it is, the app may still need us.
      log.warn({ err: error }, "the guard will try again");
      wait = armed ? patience / 2 : glance * 2;
    }
    await sleep(clock, wait, signal);
  }
}

/** Milliseconds left to each deadline, as first seen or less: a wall clock that is set back must not keep an app down. */
function countdown(clock: Clock): (deadline: string) => number {
  const ends = new Map<string, number>();
  return (deadline) => {
    const now = clock.monotonic();
    const end = Math.min(ends.get(deadline) ?? Infinity, now + (parseInstant(deadline) ?? 0) - clock.now());
    ends.set(deadline, end);
    return end - now;
  };
}

/** Milliseconds until the last deadline of its holders. An unreadable record counts as held: it may be of a newer version. */
function heldFor(lease: Lease, left: (deadline: string) => number): number {
  const record = parseRecord(lease);
  if (record === undefined || isExchanging(record)) return Infinity;
  return Math.max(0, ...record.holders.map(({ deadline }) => left(deadline)));
}

async function readScale({ cluster, namespace }: GuardContext, lease: Lease) {
  const target = parseRecord(lease)?.target;
  if (target === undefined) return undefined;
  const scale = await cluster.getScale(workloadResource(target.kind), namespace, target.name);
  return scale?.metadata.uid === target.uid ? scale : undefined;
}

/** By an admission policy or a lost right, which do not go away by trying again. */
const isRefused = (error: unknown): boolean =>
  error instanceof ApiError && error.outcome === "unchanged" && [400, 403, 422].includes(error.status ?? 0);

/** @returns milliseconds until the next look. */
async function release(
  { cluster, clock, log }: GuardContext,
  lease: Lease,
  scale: Awaited<ReturnType<typeof readScale>>,
): Promise<number> {
  const { actions, events } = decideRelease(lease, scale, clock.now());
  for (const action of actions) {
    log.warn({ do: action.do }, "the hold is over and nobody has given the app back: the guard does");
    try {
      await act(cluster, leases, lease, action);
    } catch (error) {
      const scaling = action.do === "updateRecord" && isRefused(error) ? scaleBack(lease, scale) : undefined;
      if (scaling === undefined) throw error;
      // What keeps the record from being written must not keep the app down. The next look finds it up, and removes the record.
      log.warn({ err: error }, "the record cannot be written: the app is given back without");
      await act(cluster, leases, lease, scaling);
    }
  }
  for (const { reason, message } of events) log.warn({ reason }, message);
  return glance;
}

export async function runGuard(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const namespace = env[guardVariables.namespace] ?? "";
  const record = env[guardVariables.record] ?? "";
  if (namespace === "" || record === "")
    throw new Error(`${guardVariables.namespace} and ${guardVariables.record} have to be set`);
  const log = createLog("info");
  const connection = connect(loadKubeConfig(undefined), { userAgent: `handover-guard/${version}` });
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => {
      // Not done: whoever replaces the pod goes on.
      process.exitCode = 1;
      stop.abort();
    });
  const armed = (): void => {
    writeFileSync(armedFile, "");
    log.info({ namespace, record }, "armed");
  };
  await guard({ cluster: createClient(connection), clock: systemClock, log, namespace, record, armed }, stop.signal);
  await connection.close();
}
