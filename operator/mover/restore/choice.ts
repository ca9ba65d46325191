/** Chooses the generation that a restore request means, and where to read it. Pure: what is where was listed before. */
import type { TaskOf } from "../../contract/task.ts";
import { parseGenerationId, timeOf } from "../../domain/generation.ts";
import { MoverError } from "../errors.ts";
import type { Copies, Copy } from "./copies.ts";
import { type Asked, describeContents, lacking, presentParts } from "./parts.ts";
import { clip } from "../../domain/text.ts";

type From = TaskOf<"plan">["from"];

export interface Choice {
  /** The copies of the chosen generation in the order of the locations, the first to be read. */
  readonly copies: readonly [Copy, ...Copy[]];
  /** Why newer ones that match were not chosen, for people. */
  readonly newer: readonly string[];
}

/**
 * @param copies in the order of the locations
 * @throws MoverError HO-R801 that names the nearest ones: a time or id that matches nothing is never answered by another generation.
 * @throws MoverError HO-R805 when some match, but none has everything that is asked for. One that is named is the one, whatever it has.
 */
export function chooseCopies(found: Copies, from: From, asked: Asked): Choice {
  const { copies } = found;
  const verified = copies.filter((copy) => copy.verified);
  const newestFirst = verified.toSorted((a, b) => b.generation.seq - a.generation.seq);
  const matching = newestFirst.filter(({ generation }) => matches(generation, from));
  const [newest] = matching;
  if (newest === undefined) throw new MoverError("HO-R801", clip(explain(found, newestFirst, from), 900));
  const missing = (copy: Copy): readonly string[] => lacking(asked, copy.generation.manifest);
  const chosen = from.generation === undefined ? matching.find((copy) => missing(copy).length === 0) : newest;
  const [first, ...others] = verified.filter(({ generation }) => generation.id === chosen?.generation.id);
  const lack = `has no ${missing(newest).join(" and no ")}`;
  if (first === undefined) throw new MoverError("HO-R805", clip(explainParts(newest, lack, asked), 900));
  const isNewest = first.generation.id === newest.generation.id;
  return {
    copies: [first, ...others],
    newer: [
      ...(isNewest ? [] : [`generation ${newest.generation.id} is newer, but ${lack}`]),
      ...(from.generation === undefined ? tellUseless(found, first, from, (copy) => missing(copy).length === 0) : []),
    ],
  };
}

/** The newest one behind the chosen that would have been taken, and of which no copy is any good: who asks for the latest has to know. */
function tellUseless(
  { copies, unread }: Copies,
  chosen: Copy,
  from: From,
  isEnough: (copy: Copy) => boolean,
): readonly string[] {
  const good = new Set(copies.filter(({ verified }) => verified).map(({ generation }) => generation.id));
  const useless = [
    ...copies
      .filter((copy) => isEnough(copy) && matches(copy.generation, from))
      .map((copy) => ({ id: copy.generation.id, why: whyUseless(copy) })),
    ...unread
      .filter(({ name }) => from.before === undefined || Date.parse(timeOf(name) ?? "") <= Date.parse(from.before))
      .map(({ name, location, why }) => ({ id: name, why: `cannot be read at ${location}: ${why}` })),
  ].filter(({ id }) => !good.has(id) && seqOf(id) > chosen.generation.seq);
  const newest = useless.toSorted((a, b) => seqOf(b.id) - seqOf(a.id))[0];
  return newest === undefined ? [] : [`generation ${newest.id} is newer, but ${newest.why}`];
}

const seqOf = (id: string): number => parseGenerationId(id)?.seq ?? 0;

function whyUseless({ location, members }: Copy): string {
  const why = typeof members === "string" ? members : "it, or one that it is based on, is not verified there";
  return `at ${location} ${why}`;
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

const isNamed = ({ id }: { readonly id: string }, name: string): boolean => id === name || id.slice(0, 6) === name;

function explain({ copies, unread }: Copies, newestFirst: readonly Copy[], from: From): string {
  const where = from.location === undefined ? "" : ` at ${from.location}`;
  const name = from.generation;
  if (name !== undefined) {
    const unverified = copies.find(({ generation }) => isNamed(generation, name));
    if (unverified !== undefined) return `generation ${unverified.generation.id}: ${whyUseless(unverified)}`;
    const broken = unread.find((one) => isNamed({ id: one.name }, name));
    if (broken !== undefined) return `generation ${broken.name} cannot be read at ${broken.location}: ${broken.why}`;
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
