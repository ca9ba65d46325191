/** The databases and volumes of a request, each with what the generation recorded of it. Pure. */
import type { DatabaseRef, VolumeRef } from "../../contract/task.ts";
import type { DatabasePart, Manifest, VolumePart } from "../../domain/manifest.ts";
import { MoverError } from "../errors.ts";
import { databaseDump, filesListFile } from "../store/layout.ts";

export interface RestoreParts {
  readonly databases: readonly { readonly ref: DatabaseRef; readonly part: DatabasePart }[];
  readonly volumes: readonly { readonly ref: VolumeRef; readonly part: VolumePart }[];
}

/** @throws MoverError HO-R805 when something is asked for that the generation does not have. */
export function selectParts(
  manifest: Manifest,
  asked: { readonly databases: readonly DatabaseRef[]; readonly volumes: readonly VolumeRef[] },
): RestoreParts {
  const lacking = (kind: string, name: string): MoverError => {
    const has = [
      ...manifest.databases.map((part) => `database ${part.name}`),
      ...manifest.volumes.map((part) => `volume ${part.name}`),
    ];
    return new MoverError(
      "HO-R805",
      `generation ${manifest.id} has no ${kind} ${name}; it has ${has.join(", ") || "nothing"}`,
    );
  };
  const databases = asked.databases.map((ref) => {
    const part = manifest.databases.find(({ name }) => name === ref.name);
    if (part === undefined) throw lacking("database", ref.name);
    return { ref, part };
  });
  const volumes = asked.volumes.map((ref) => {
    const part = manifest.volumes.find(({ name }) => name === ref.name);
    if (part === undefined) throw lacking("volume", ref.name);
    return { ref, part };
  });
  if (databases.length + volumes.length === 0)
    throw new MoverError("HO-R805", "the request names no database and no volume");
  return { databases, volumes };
}

/** Whether a stored file is needed to restore the parts. */
export function isNeeded(parts: RestoreParts, path: string): boolean {
  if (parts.volumes.length > 0 && path === filesListFile) return true;
  return (
    parts.databases.some(({ part }) => path.startsWith(`${databaseDump(part.name)}/`)) ||
    parts.volumes.some(({ part }) => path === part.archive)
  );
}

/** Bytes of the state that is brought back. */
export const stateBytes = ({ databases, volumes }: RestoreParts): number =>
  [...databases, ...volumes].reduce((sum, { part }) => sum + part.bytes, 0);
