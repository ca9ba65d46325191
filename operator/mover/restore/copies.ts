/** The copies of generations at the locations of a policy, as a restore sees them: sealed, of our lineage, and verified or not. Reads only. */
import type { LocationRef, TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { MoverError } from "../errors.ts";
import { isWhole, membersOf } from "../store/chains.ts";
import { listGenerations, type Broken, type GenerationEntry } from "../store/listing.ts";
import { reaches, readMarkers } from "../store/markers.ts";
import { findStore } from "../store/presence.ts";
import type { LineageOwner } from "../store/sentinel.ts";

export interface Copy {
  readonly location: string;
  readonly generation: GenerationEntry;
  /** What it is based on, oldest first; a sentence when that is not all there. None for databases alone, which are whole in each. */
  readonly members: readonly GenerationEntry[] | string;
  /** Whether its check and that of all that it is based on was done there. At the source the seal did that. */
  readonly verified: boolean;
}

/** A directory that is named like a generation and cannot be read as one. */
export type Unread = Broken & Pick<Copy, "location">;

export interface Copies {
  readonly copies: readonly Copy[];
  readonly unread: readonly Unread[];
}

type Asking = LineageOwner & Pick<TaskOf<"plan">, "volumes">;

/** @returns none when the policy has never used the location. @throws MoverError when it is not the one that the policy knows. */
export async function listCopies(location: LocationRef, owner: Asking, context: MoverContext): Promise<Copies> {
  const needsChain = owner.volumes.length > 0;
  const { name, uuid: expectedUuid } = location;
  const role = name === "source" ? "source" : "sink";
  const root = role === "source" ? context.roots.store : context.roots.sink(name);
  const found = await findStore(root, { role, name, expectedUuid }, { ...owner, readsOnly: true });
  if (found === undefined) return { copies: [], unread: [] };
  const { layout } = found;
  const stored = await listGenerations(layout.store);
  const unreadOf = (broken: readonly Broken[]): readonly Unread[] => broken.map((one) => ({ ...one, location: name }));
  if (role === "source") {
    const waiting = await listGenerations(layout.handover);
    const all = [...stored.generations, ...waiting.generations];
    const copies = all.map((generation) => {
      const members = needsChain ? membersOf(generation, all) : [];
      return { location: name, generation, members, verified: typeof members !== "string" };
    });
    return { copies, unread: unreadOf([...stored.broken, ...waiting.broken]) };
  }
  const markers = await readMarkers(layout);
  const copies = stored.generations.map((generation) => ({
    location: name,
    generation,
    members: needsChain ? membersOf(generation, stored.generations) : [],
    // In whatever way the policy asks of the sink: before anything is exchanged, the stage reads every byte of it anyway.
    verified: needsChain
      ? isWhole(generation, stored.generations, markers, "None")
      : reaches(generation, markers, "None"),
  }));
  return { copies, unread: unreadOf(stored.broken) };
}

export interface OpenedCopy {
  readonly generation: GenerationEntry;
  /** What it is based on, oldest first. */
  readonly members: readonly GenerationEntry[];
}

/** @throws MoverError HO-R802 when the generation is not there as it was planned, HO-R809 when its chain is not. */
export async function openCopy(
  wanted: { readonly id: string; readonly manifestSHA256: string; readonly location: LocationRef },
  owner: Asking,
  context: MoverContext,
): Promise<OpenedCopy> {
  const { name } = wanted.location;
  const { copies } = await listCopies(wanted.location, owner, context);
  const copy = copies.find(({ generation }) => generation.id === wanted.id);
  const refuse = (why: string): MoverError => new MoverError("HO-R802", `generation ${wanted.id} at ${name}: ${why}`);
  if (copy === undefined) throw refuse("it is not there");
  const { generation, members } = copy;
  if (generation.manifestSHA256 !== wanted.manifestSHA256)
    throw refuse(
      `its manifest is ${generation.manifestSHA256.slice(0, 12)}, planned was ${wanted.manifestSHA256.slice(0, 12)}`,
    );
  if (typeof members === "string") throw new MoverError("HO-R809", `at ${name}: ${members}`);
  return { generation, members };
}
