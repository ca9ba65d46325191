/** Chooses the generation that a restore request means, and where to read it. Pure: what is where was listed before. */
import type { TaskOf } from "../../contract/task.ts";
import { MoverError } from "../errors.ts";
import type { Copy } from "./copies.ts";
import { type Asked, describeContents, lacking, presentParts } from "./parts.ts";
import { clip } from "../../domain/text.ts";

type From = TaskOf<"plan">["from"];

export interface Choice {
  /** The copies of the chosen generation in the order of the locations, the first to be read. */
  readonly copies: readonly [Copy, ...Copy[]];
  /** Why the newest that matches was not chosen, for people. */
  readonly newer: string | undefined;
}

/**
 * @param copies in the order of the locations
 * @throws MoverError HO-R801 that names the nearest ones: a time or id that matches nothing is never answered by another generation.
 * @throws MoverError HO-R805 when some match, but none has everything that is asked for. One that is named is the one, whatever it has.
 */
export function chooseCopies(copies: readonly Copy[], from: From, asked: Asked): Choice {
  const verified = copies.filter((copy) => copy.verified);
  const newestFirst = verified.toSorted((a, b) => b.generation.seq - a.generation.seq);
  const matching = newestFirst.filter(({ generation }) => matches(generation, from));
  const [newest] = matching;
  if (newest === undefined) throw new MoverError("HO-R801", clip(explain(copies, newestFirst, from), 900));
  const missing = (copy: Copy): readonly string[] => lacking(asked, copy.generation.manifest);
  const chosen = from.generation === undefined ? matching.find((copy) => missing(copy).length === 0) : newest;
  const [first, ...others] = verified.filter(({ generation }) => generation.id === chosen?.generation.id);
  const lack = `has no ${missing(newest).join(" and no ")}`;
  if (first === undefined) throw new MoverError("HO-R805", clip(explainParts(newest, lack, asked), 900));
  const isNewest = first.generation.id === newest.generation.id;
  return {
    copies: [first, ...others],
    newer: isNewest ? undefined : `generation ${newest.generation.id} is newer, but ${lack}`,
  };
}

/** Names the include with which the newest one can be taken. */
function explainParts({ generation: { id, manifest } }: Copy, lack: string, asked: Asked): string {
  const present = presentParts(asked, manifest);
  const include = (["databases", "volumes"] as const)
    .filter((kind) => present[kind].length > 0)
    .map((kind) => `${kind}: [${present[kind].map(({ name }) => name).join(", ")}]`);
  const instead =
    include.length === 0
      ? `it has ${describeContents(manifest)}`
      : `with include: {${include.join(", ")}} it can be taken`;
  return `no verified generation has all that is to be restored; the newest, ${id}, ${lack}; ${instead}`;
}

function matches(generation: Copy["generation"], from: From): boolean {
  if (from.generation !== undefined) return isNamed(generation, from.generation);
  if (from.before !== undefined) return Date.parse(generation.manifest.time) <= Date.parse(from.before);
  return from.latest === true;
}

const isNamed = (generation: Copy["generation"], name: string): boolean =>
  generation.id === name || generation.id.slice(0, 6) === name;

function explain(copies: readonly Copy[], newestFirst: readonly Copy[], from: From): string {
  const where = from.location === undefined ? "" : ` at ${from.location}`;
  const name = from.generation;
  if (name !== undefined) {
    const unverified = copies.find(({ generation }) => isNamed(generation, name));
    if (unverified !== undefined) {
      const { generation, location, members } = unverified;
      const why = typeof members === "string" ? members : "it, or one that it is based on, is not verified there";
      return `generation ${generation.id} is at ${location}, but ${why}`;
    }
  }
  if (newestFirst.length === 0) return `there is no verified generation${where}`;
  const ids = [...new Set(newestFirst.map(({ generation }) => generation.id))];
  if (name !== undefined) {
    const seq = Number(name.slice(0, 6));
    const nearest = ids.toSorted(
      (a, b) => Math.abs(Number(a.slice(0, 6)) - seq) - Math.abs(Number(b.slice(0, 6)) - seq),
    );
    return `no verified generation ${name}${where}; the nearest are ${nearest.slice(0, 3).join(", ")}`;
  }
  const oldest = newestFirst
    .toReversed()
    .toSorted((a, b) => (a.generation.manifest.time < b.generation.manifest.time ? -1 : 1));
  const times = [...new Set(oldest.map(({ generation }) => `${generation.id} from ${generation.manifest.time}`))];
  return `no verified generation${where} from ${from.before ?? ""} or before; the nearest are ${times.slice(0, 3).join(", ")}`;
}
