/** The databases and volumes of a request, each with what the generation recorded of it. Pure. */
import type { DatabaseRef, VolumeRef } from "../../contract/task.ts";
import type { DatabasePart, Manifest, VolumePart } from "../../domain/manifest.ts";
import { MoverError } from "../errors.ts";
import { databaseDump, filesListFile } from "../store/layout.ts";

export interface RestoreParts {
  readonly databases: readonly { readonly ref: DatabaseRef; readonly part: DatabasePart }[];
  readonly volumes: readonly { readonly ref: VolumeRef; readonly part: VolumePart }[];
}

/** What is to be restored. */
export interface Asked {
  readonly databases: readonly DatabaseRef[];
  readonly volumes: readonly VolumeRef[];
}

type Named = Readonly<Record<"databases" | "volumes", readonly { readonly name: string }[]>>;

const without = <T extends { readonly name: string }>(
  list: readonly T[],
  others: readonly { readonly name: string }[],
): readonly T[] => list.filter(({ name }) => !others.some((other) => other.name === name));

/** For people, one by one: `database shop`, `volume uploads`. */
const describe = ({ databases, volumes }: Named): readonly string[] => [
  ...databases.map(({ name }) => `database ${name}`),
  ...volumes.map(({ name }) => `volume ${name}`),
];

/** What the first has and the second has not, for people. */
export const lacking = (wanted: Named, present: Named): readonly string[] =>
  describe({
    databases: without(wanted.databases, present.databases),
    volumes: without(wanted.volumes, present.volumes),
  });

/** What the generation has of what is asked for. */
export const presentParts = ({ databases, volumes }: Asked, manifest: Manifest): Asked => ({
  databases: without(databases, without(databases, manifest.databases)),
  volumes: without(volumes, without(volumes, manifest.volumes)),
});

export const describeContents = (manifest: Manifest): string => describe(manifest).join(", ") || "nothing";

/** @throws MoverError HO-R805 when something is asked for that the generation does not have. */
export function selectParts(manifest: Manifest, asked: Asked): RestoreParts {
  const [first] = lacking(asked, manifest);
  if (first !== undefined)
    throw new MoverError("HO-R805", `generation ${manifest.id} has no ${first}; it has ${describeContents(manifest)}`);
  const pair = <R extends { readonly name: string }, P extends { readonly name: string }>(
    refs: readonly R[],
    parts: readonly P[],
  ): readonly { readonly ref: R; readonly part: P }[] =>
    refs.flatMap((ref) => parts.filter(({ name }) => name === ref.name).map((part) => ({ ref, part })));
  const databases = pair(asked.databases, manifest.databases);
  const volumes = pair(asked.volumes, manifest.volumes);
  if (databases.length + volumes.length === 0)
    throw new MoverError("HO-R805", "the request names no database and no volume");
  return { databases, volumes };
}

/** Whether a stored file is needed to restore the parts. */
export function isNeeded(parts: RestoreParts, path: string): boolean {
  if (parts.volumes.length > 0 && path === filesListFile) return true;
  return (
    parts.databases.some(({ part }) => path.startsWith(`${databaseDump(part.name)}/`)) ||
    parts.volumes.some(({ part }) => path === part.archive || path === part.deleted)
  );
}

/** Whether a stored file of a generation that the restored one is based on is needed: of a chain nothing but the volumes is. */
export function isNeededOfMember(parts: RestoreParts, member: Manifest, path: string): boolean {
  return member.volumes.some(
    ({ name, archive, deleted }) =>
      (path === archive || path === deleted) && parts.volumes.some(({ part }) => part.name === name),
  );
}

/** Bytes of the state that is brought back. */
export const stateBytes = ({ databases, volumes }: RestoreParts): number =>
  [...databases, ...volumes].reduce((sum, { part }) => sum + part.bytes, 0);
