/** What movers do in the made-up world: their deeds in the store and at the sinks, and their results. */
import { createHash } from "node:crypto";
import type { MoverResult, ResultOf } from "../../operator/contract/result.ts";
import type { MoverTask, TaskOf } from "../../operator/contract/task.ts";
import {
  type GenerationType,
  holdsVolumes,
  needsBase,
  parseGenerationId,
  typeOf,
} from "../../operator/domain/generation.ts";
import { type Instant, formatInstant } from "../../operator/domain/instant.ts";
import { type Sequences, formatSequences } from "../../operator/domain/sequences.ts";

/** What really lies where. */
export interface Truth {
  /** Uids of pods that have captured: their staging directories. */
  readonly captured: Set<string>;
  /** By such a pod, the generation that its archive holds the difference to; undefined for a full archive. */
  readonly packed: Map<string, string | undefined>;
  /** By policy, the uid of the pod that its mirrors belong to. */
  readonly claimants: Map<string, string>;
  readonly sealed: Set<string>;
  /** By a sealed generation, the one that it is based on. */
  readonly parents: Map<string, string>;
  /** What the places know of holds, after their runs were lost. */
  readonly held: Map<string, { readonly until: string; readonly reason: string }>;
  readonly sinks: Map<string, Sink>;
  /** By place, what retention is to remove there. */
  readonly superseded: Map<string, Set<string>>;
  /** How many of those lie at each place to begin with. */
  toSupersede: number;
  /** A generation was removed whose plan was not on record. */
  hasty: boolean;
  /** Something of a restore lies beside the live state. */
  staged: boolean;
  /** `half`: an exchange has begun and is not complete. */
  live: "old" | "half" | "new";
  /** A part of an exchange was removed before the exchange was complete. */
  lost: boolean;
}
export const newTruth = (): Truth => ({
  captured: new Set(),
  packed: new Map(),
  claimants: new Map(),
  sealed: new Set(),
  parents: new Map(),
  held: new Map(),
  sinks: new Map(),
  superseded: new Map(),
  toSupersede: 0,
  hasty: false,
  staged: false,
  live: "old",
  lost: false,
});
interface Sink {
  readonly stored: Set<string>;
  readonly verified: Set<string>;
}

const sinkOf = (truth: Truth, name: string): Sink => {
  const known = truth.sinks.get(name) ?? { stored: new Set<string>(), verified: new Set<string>() };
  truth.sinks.set(name, known);
  return known;
};

/** Told by numbers alone: of many copies no more than these would fit. */
const numbersOf = (ids: ReadonlySet<string>): Sequences =>
  formatSequences([...ids].map((id) => parseGenerationId(id)?.seq ?? 0));

export const plannedGeneration = "000001-20261120T010000Z-full";
/** It has the databases of the policy, and no volume. */
export const databaseGeneration = "000002-20261120T020000Z-database";

/** Of every manifest another one. */
export const digestOf = (id: string): string => String(parseGenerationId(id)?.seq ?? 0).padStart(64, "0");

type Base = NonNullable<ResultOf<"preflight">["base"]>;

/** As the preflight decides: the newest that the type may be based on, or why there is none. */
function chooseBase(type: GenerationType, { sealed }: Truth): { readonly base?: Base } {
  if (!needsBase(type)) return {};
  const fit = [...sealed].toSorted().findLast((id) => {
    const of = typeOf(id) ?? "Database";
    return type === "Differential" ? of === "Full" : holdsVolumes(of);
  });
  return {
    base: fit === undefined ? { full: "there is no full generation yet" } : { id: fit, manifestSHA256: digestOf(fit) },
  };
}

/** What is wrong with what is to be sealed, in the eyes of the mover that seals. */
function refuseSeal(task: TaskOf<"seal">, truth: Truth): string | undefined {
  if (!truth.captured.has(task.stagingPodUID)) return "nothing is staged";
  if (typeOf(task.id) !== task.type) return "the id names another type";
  if (needsBase(task.type) !== (task.base !== undefined)) return "a base belongs to a type that needs one";
  if (task.volumes.length > 0 && truth.packed.get(task.stagingPodUID) !== task.base?.id)
    return "the archive holds the difference to another generation";
  if (task.base !== undefined && !truth.sealed.has(task.base.id)) return "there is no such base";
  return task.base !== undefined && task.base.manifestSHA256 !== digestOf(task.base.id)
    ? "the base is another"
    : undefined;
}

const supersededAt = (truth: Truth, place: string): Set<string> => {
  const ids = Array.from({ length: truth.toSupersede }, (_, index) => `000000-2026110${index + 1}T010000Z-full`);
  const known = truth.superseded.get(place) ?? new Set(ids);
  truth.superseded.set(place, known);
  return known;
};
const digestOfPlan = (ids: ReadonlySet<string>): string =>
  createHash("sha256")
    .update([...ids].toSorted().join("\n"))
    .digest("hex");

/** Two generations a page. */
function listPage(
  { location, after }: TaskOf<"catalogue">,
  truth: Truth,
): Omit<ResultOf<"catalogue">, "version" | "ok" | "step"> {
  const { stored, verified } =
    location.name === "source" ? { stored: truth.sealed, verified: truth.sealed } : sinkOf(truth, location.name);
  const ids = [...stored].toSorted();
  const page = ids.filter((id) => id > after).slice(0, 2);
  const entries = page.map((id) => ({
    id,
    type: typeOf(id) ?? ("Full" as const),
    sealedAt: "2026-11-21T01:00:00Z",
    consistency: "Quiesced" as const,
    parent: truth.parents.get(id) ?? "",
    bytes: 1_000,
    storedBytes: 600,
    files: 10,
    tables: 3,
    manifestSHA256: digestOf(id),
    verified: verified.has(id),
    ...(truth.held.has(id) ? { hold: truth.held.get(id)! } : {}),
    holds: {
      databases: ["shop"],
      volumes: [{ name: "uploads", claimName: "shop-uploads" }],
    },
  }));
  return { entries, more: ids.some((id) => id > (page.at(-1) ?? after)), total: ids.length, broken: 0 };
}

/**
 * Does what the task asks for. @returns what its mover reports
 * @param recorded digest of the plan that is on record for the place of a prune
 */
export function succeed(task: MoverTask, truth: Truth, now: Instant, recorded?: string): MoverResult {
  const ok = { version: 1, ok: true } as const;
  const amount = { bytes: 1_000, files: 10 };
  const effort = { seconds: 1, peakMiB: 1 };
  switch (task.step) {
    case "preflight":
      return {
        ...ok,
        ...amount,
        step: task.step,
        lastSeq: truth.sealed.size,
        locations: [],
        pending: 0,
        databases: [],
        warnings: [],
        ...chooseBase(task.type, truth),
      };
    case "warm":
      return { ...ok, ...amount, step: task.step };
    case "dump":
      return { ...ok, ...effort, step: task.step, bytes: 500, storedBytes: 100, tables: 3, rows: 30 };
    case "archive":
      return { ...ok, ...amount, ...effort, step: task.step, storedBytes: 500, freezeSeconds: 0.1, warnings: [] };
    case "collect": {
      const before = [...truth.sealed].toSorted().findLast((id) => typeOf(id) === "Config");
      const unchanged = before === undefined ? {} : { unchanged: before };
      return { ...ok, step: task.step, files: 3, objects: 2, bytes: 90, ...unchanged };
    }
    case "release":
      return { ...ok, step: task.step, releasedAt: formatInstant(now) };
    case "seal": {
      const message = refuseSeal(task, truth);
      if (message !== undefined)
        return { version: 1, ok: false, step: task.step, code: "HO-A404", message, retry: false };
      truth.sealed.add(task.id);
      if (task.base !== undefined) truth.parents.set(task.id, task.base.id);
      return {
        ...ok,
        ...amount,
        step: task.step,
        id: task.id,
        manifestSHA256: digestOf(task.id),
        storedBytes: 600,
        tables: 3,
        peakMiB: 1,
      };
    }
    case "transport": {
      const { stored } = sinkOf(truth, task.sink.name);
      const delivered = [...truth.sealed].filter((id) => !stored.has(id));
      for (const id of delivered) stored.add(id);
      return { ...ok, step: task.step, delivered, bytes: 600, seconds: 1 };
    }
    case "verify": {
      const { stored, verified } = sinkOf(truth, task.sink.name);
      if (task.mode === "Full") for (const id of stored) verified.add(id);
      return {
        ...ok,
        step: task.step,
        verified: [],
        sequences: numbersOf(verified),
        damaged: [],
        bytes: 600,
        seconds: 1,
      };
    }
    case "catalogue":
      return { ...ok, step: task.step, ...listPage(task, truth) };
    case "prune": {
      const { name } = task.location;
      const list = name === "source" ? truth.sealed : sinkOf(truth, name).stored;
      const superseded = supersededAt(truth, name);
      const remove = [...superseded].map((id) => ({ id, why: "beyond last 2" }));
      const digest = digestOfPlan(superseded);
      const approved = remove.length > 0 && task.approved === digest;
      if (approved && recorded !== digest) truth.hasty = true;
      if (approved) superseded.clear();
      const facts = { generations: list.size, verified: list.size, bytes: 1_000, freeBytes: 1_000_000 };
      return {
        ...ok,
        step: task.step,
        location: { name, uuid: `${name}-uuid`, ...facts },
        settled: [],
        pending: 0,
        removed: approved ? remove : [],
        ...(remove.length > 0 && !approved ? { plan: { digest, removes: remove.length }, remove } : {}),
        kept: [{ why: "newest verified", ...numbersOf(list) }],
        present: numbersOf(list),
      };
    }
    case "plan": {
      const ofDatabases = task.from.generation === databaseGeneration && !task.included;
      return {
        ...ok,
        step: task.step,
        id: ofDatabases ? databaseGeneration : plannedGeneration,
        location: "source",
        sealedAt: "2026-11-20T01:00:00Z",
        manifestSHA256: "x",
        bytes: 1_000,
        databases: task.databases.map(({ name }) => name),
        volumes: ofDatabases ? [] : task.volumes.map(({ name }) => name),
        replaces: ["database shop"],
        warnings: [],
      };
    }
    case "stage":
      truth.staged = true;
      return { ...ok, ...amount, step: task.step, rows: 30, seconds: 1 };
    case "swap":
      truth.live = "new";
      return { ...ok, step: task.step, databases: 1, volumes: 1 };
    case "cleanup":
      if (truth.live === "half" || (truth.live === "new") !== task.swapped) truth.lost = true;
      truth.staged = false;
      return { ...ok, step: task.step, databases: 1, volumes: 1 };
  }
}
