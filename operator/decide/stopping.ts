/**
 * Whether the processes of the app have ended. A pod that is there says so itself. A pod that is gone does not: whoever deletes one by
 * force takes the object away while its process may write on, for ever on a node that does not answer. So each pod that was seen
 * running is remembered until it is seen to end, or until the API server's memory of its last moment says that it has.
 */
import type { HeldWorkload, Pod, PodRef } from "../api/kinds.ts";
import { changeRecord } from "./record.ts";
import { hasStarted, isTerminated } from "./job-state.ts";
import { type AppObservation, runningPods } from "./app.ts";
import { type Move, recordOf } from "./workload.ts";

/** As many as a status holds; an app of more pods than that is not one that shares its files. */
const most = 1_000;

export interface Processes {
  /** Seen running, and not seen to end. */
  readonly pods: readonly PodRef[];
  /** Gone, and nobody knows whether their processes are. */
  readonly lost: readonly PodRef[];
}

export function followPods(
  app: AppObservation,
  held: readonly HeldWorkload[],
  claims: ReadonlySet<string>,
  remembered: readonly PodRef[],
): Processes {
  const present = new Map(app.pods.map((pod) => [pod.metadata.uid, pod]));
  const running = runningPods(app, held, claims)
    .filter(hasStarted)
    .map(({ metadata: { name, uid } }): PodRef => ({ name, uid }));
  const known = new Set(running.map(({ uid }) => uid));
  const lost = remembered.filter(({ uid }) => {
    const last = present.get(uid) ?? app.lastStates.get(uid);
    return !known.has(uid) && (last === undefined || !isTerminated(last));
  });
  return { pods: [...running, ...lost].slice(0, most), lost };
}

export const describeLost = ([first, ...more]: readonly PodRef[]): string =>
  `pod ${first?.name}${more.length === 0 ? "" : ` and ${more.length} more`} was deleted before its processes were seen to end`;

/** The pods whose last state has to be asked for. */
export const vanishedPods = (pods: readonly Pod[], remembered: readonly PodRef[]): readonly PodRef[] =>
  remembered.filter(({ uid }) => !pods.some((pod) => pod.metadata.uid === uid));

/** Its node does not answer: so says the controller of nodes, which leaves the containers on record as they were. */
export const isOutOfReach = ({ status }: Pod): boolean => {
  const is = (type: string, value: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === value) === true;
  return status?.reason === "NodeLost" || (is("Ready", "False") && is("ContainersReady", "True"));
};

/** Tells whoever shares the hold, now or later, before the holder that knows it lets go. */
export function spreadDoubt(
  app: AppObservation,
  held: readonly HeldWorkload[],
  holderUID: string,
  doubt: string,
): Move {
  for (const item of held) {
    const found = recordOf(app, item.uid);
    if (found === undefined || found.record.doubt !== undefined) continue;
    if (!found.record.holders.some(({ uid }) => uid === holderUID)) continue;
    const record = changeRecord(found.lease, { ...found.record, doubt });
    return { state: "waiting", actions: [{ do: "updateRecord", record }], message: doubt };
  }
  return { state: "reached", actions: [], message: doubt };
}

/** Why what is captured under the holds on the app would be worth nothing, as another holder has found out. */
export const doubtOf = (app: AppObservation, held: readonly HeldWorkload[]): string | undefined =>
  held.map(({ uid }) => recordOf(app, uid)?.record.doubt).find((doubt) => doubt !== undefined);
