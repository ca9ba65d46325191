/**
 * The worlds that a search has met, each once, and the moves from one to another. A move depends on nothing but the world and the
 * pass, so it is computed once, however many states of the search meet in it.
 */
import { hash } from "node:crypto";
import { isFinished } from "../../operator/api/conditions.ts";
import {
  type BackupRun,
  type Job,
  type Pod,
  type Workload,
  deployments,
  jobs,
  pods,
  runs,
} from "../../operator/api/kinds.ts";
import { jobNameLabel, labels } from "../../operator/api/names.ts";
import { isTerminated } from "../../operator/decide/job-state.ts";
import { parseRecord } from "../../operator/decide/record.ts";
import { type InFlight, begin, beginGuard, keysIn, proceed, refuseTheLate } from "./small-processes.ts";
import { appRuns, firstWorld, frozenPods, happeningsIn, recordIn } from "./small-world.ts";
import type { Snapshot, World, Write } from "./world.ts";

/** What laws ask of a world. */
export interface Facts {
  readonly replicas: number;
  readonly record: "none" | "unreadable" | "intent" | "held" | "free";
  readonly appRuns: boolean;
  /** Owners of captures that have not let the app go. */
  readonly frozen: readonly string[];
  /** Runs whose capture counts. */
  readonly captured: readonly string[];
  readonly allFinished: boolean;
  /** Whether a Job of a step still has something to do. */
  readonly jobRuns: boolean;
}
export interface Look {
  readonly what: string;
  readonly pass: InFlight;
  readonly broken?: string | undefined;
}
export interface Moved {
  readonly to: number;
  readonly rest?: InFlight | undefined;
  readonly broken?: string | undefined;
}
export interface Happened {
  readonly what: string;
  readonly to: number;
  /** Whose doing it is. */
  readonly job?: string | undefined;
}
const hour = 3_600_000;
/** A person who has parked the app while it was held may find its record gone. */
export const lawOfRecords = "S6 a record goes after the replicas are back";

/** Of two processes one may end a step in the moment in which the other has recorded it and not yet created its Job. */
export const lawOfAttempts = "L3 a Job is created only while its attempt is on record";

export class Worlds {
  readonly #world = firstWorld();
  readonly #snapshots: Snapshot[] = [];
  readonly #ids = new Map<string, number>();
  readonly #facts: (Facts | undefined)[] = [];
  readonly #looks: (readonly Look[] | undefined)[] = [];
  readonly #guardLooks: (readonly Look[] | undefined)[] = [];
  readonly #happened: (readonly Happened[] | undefined)[] = [];
  readonly #moves = new Map<string, Moved>();
  readonly #current = new Map<string, InFlight | undefined>();
  #broken: string | undefined;

  constructor() {
    this.#world.beforeWrite.push((write) => (this.#broken ??= judgeWrite(write, this.#world)));
    this.#enter();
  }
  get size(): number {
    return this.#snapshots.length;
  }

  /** What is owned by something that is gone goes at once. */
  #enter(): number {
    const world = this.#world;
    world.advance(world.now);
    const snapshot = world.snapshot();
    const versions = [...snapshot.objects]
      .flatMap(([plural, of]) =>
        [...of].map(([name, object]) => `${plural}/${name}:${object.metadata.resourceVersion}`),
      )
      .toSorted();
    const key = hash(
      "md5",
      JSON.stringify([versions, snapshot.now, [...snapshot.incarnations].map(String).toSorted()]),
    );
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#snapshots.length;
    this.#snapshots.push(snapshot);
    this.#ids.set(key, id);
    return id;
  }
  #at(id: number): World {
    const snapshot = this.#snapshots[id];
    if (snapshot !== undefined) this.#world.reset(snapshot);
    return this.#world;
  }

  facts(id: number): Facts {
    return (this.#facts[id] ??= factsOf(this.#at(id)));
  }
  async looks(id: number): Promise<readonly Look[]> {
    const known = this.#looks[id];
    if (known !== undefined) return known;
    const found: Look[] = [];
    for (const key of keysIn(this.#at(id))) {
      const pass = await begin(this.#at(id), key);
      if (pass !== undefined) found.push({ what: `looks at ${key}`, pass, broken: judgeLook(pass, this.#at(id)) });
    }
    return (this.#looks[id] = found);
  }
  async guardLooks(id: number): Promise<readonly Look[]> {
    const known = this.#guardLooks[id];
    if (known !== undefined) return known;
    const pass = await beginGuard(this.#at(id));
    return (this.#guardLooks[id] = pass === undefined ? [] : [{ what: "looks", pass }]);
  }
  async proceed(id: number, pass: InFlight): Promise<Moved> {
    const key = `${id} ${pass.id}`;
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    this.#broken = undefined;
    const rest = await proceed(this.#at(id), pass);
    const moved: Moved = { to: this.#enter(), rest, broken: this.#broken };
    this.#moves.set(key, moved);
    return moved;
  }
  /** What is left of the pass in this world. */
  async current(id: number, pass: InFlight): Promise<InFlight | undefined> {
    const key = `${id} ${pass.id}`;
    if (this.#current.has(key)) return this.#current.get(key);
    const current = await refuseTheLate(this.#at(id), pass);
    this.#current.set(key, current);
    return current;
  }
  happenings(id: number): readonly Happened[] {
    const known = this.#happened[id];
    if (known !== undefined) return known;
    const found = happeningsIn(this.#at(id)).map(([what, happen, job]): Happened => {
      happen(this.#at(id));
      return { what, to: this.#enter(), job };
    });
    return (this.#happened[id] = found);
  }
  scaled(id: number, replicas: number): number {
    this.#at(id).scale("shop", replicas);
    return this.#enter();
  }
  anHourLater(id: number): number {
    this.#at(id).timers.now += hour;
    return this.#enter();
  }
}

const replicasIn = (world: World): number => world.find<Workload>(deployments, "shop")?.spec.replicas ?? 0;

function factsOf(world: World): Facts {
  const lease = recordIn(world);
  const record = lease === undefined ? undefined : parseRecord(lease);
  const all = world.all<BackupRun>(runs);
  const hasCaptured = ({ status }: BackupRun): boolean =>
    status?.steps?.find(({ name }) => name === "Capture")?.state === "Done";
  // Between the note of a run that it is about to stop the app and the record that says so, a zero may be of either.
  const hasNoted = all.some(({ status }) => status?.workloads?.some(({ heldAt }) => heldAt !== undefined) === true);
  const stateOfRecord = (): Facts["record"] => {
    if (lease === undefined) return "none";
    if (record === undefined) return "unreadable";
    if (record.state === "Intent" && !hasNoted) return "intent";
    return record.holders.length > 0 ? "held" : "free";
  };
  return {
    replicas: replicasIn(world),
    record: stateOfRecord(),
    appRuns: appRuns(world),
    frozen: frozenPods(world).map(({ metadata }) => metadata.labels?.[labels.owner] ?? ""),
    captured: all.filter(hasCaptured).map(({ metadata }) => metadata.uid),
    allFinished: all.every(isFinished),
    jobRuns: world
      .all<Job>(jobs)
      .some(({ metadata }) => metadata.labels?.[labels.step] !== undefined && runsOn(world, metadata.name)),
  };
}

const runsOn = (world: World, job: string): boolean =>
  !world.all<Pod>(pods).some((pod) => pod.metadata.labels?.[jobNameLabel] === job && isTerminated(pod));

/** @returns the law that the decision breaks. What changes between a look and a write, S10 is there for. */
function judgeLook({ decision }: InFlight, world: World): string | undefined {
  const captures = decision.actions.some(
    (action) => action.do === "createJob" && action.job.metadata.labels?.[labels.step] === "capture",
  );
  return captures && appRuns(world) ? "S9 nothing is captured while a process of the app runs" : undefined;
}
/** @returns the law that the write breaks, judged before it is carried out. */
function judgeWrite({ verb, plural, name, body }: Write, world: World): string | undefined {
  const lease = recordIn(world);
  const record = lease === undefined ? undefined : parseRecord(lease);
  if (verb === "scale") {
    if (record === undefined) return "S1 nothing is scaled without a record";
    if (body === 0 && record.holders.length === 0) return "S3 zero while held";
    if (body !== 0 && (body !== record.original || record.holders.length > 0)) return "S3 the original when not held";
    if (body !== 0 && replicasIn(world) !== 0) return "S4 what somebody else has set stands";
    if (body === 0 && replicasIn(world) !== record.original) return "S2 what is stopped is what was recorded";
  }
  if (verb === "create" && plural === jobs.plural) {
    const { metadata } = body as Job;
    const step = metadata.labels?.[labels.step];
    const owner = world.all<BackupRun>(runs).find((run) => run.metadata.uid === metadata.labels?.[labels.owner]);
    if (step !== undefined && owner?.status?.steps?.find((one) => one.job === name)?.state !== "Running")
      return lawOfAttempts;
  }
  // With an Intent nothing is scaled: a person has parked it.
  const mayBeOurs = replicasIn(world) === 0 && record?.state !== "Intent";
  if (verb === "remove" && plural !== jobs.plural && mayBeOurs) return lawOfRecords;
  return undefined;
}
