/** Chooses the generation that a restore request means, and where to read it. Pure: what is where was listed before. */
import type { TaskOf } from "../../contract/task.ts";
import { MoverError } from "../errors.ts";
import type { Copy } from "./copies.ts";

type From = TaskOf<"plan">["from"];

/**
 * @param copies in the order of the locations @returns the copies of the chosen generation in that order, the first to be read.
 * @throws MoverError HO-R801 that names the nearest ones: a time or id that matches nothing is never answered by another generation.
 */
export function chooseCopies(copies: readonly Copy[], from: From): readonly [Copy, ...Copy[]] {
  const verified = copies.filter((copy) => copy.verified);
  const newestFirst = verified.toSorted((a, b) => b.generation.seq - a.generation.seq);
  const chosen = newestFirst.find(({ generation }) => matches(generation, from))?.generation.id;
  const [first, ...others] = verified.filter(({ generation }) => generation.id === chosen);
  if (first !== undefined) return [first, ...others];
  throw new MoverError("HO-R801", explain(copies, newestFirst, from).slice(0, 900));
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
    if (unverified !== undefined)
      return `generation ${unverified.generation.id} is at ${unverified.location}, but not verified there`;
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
