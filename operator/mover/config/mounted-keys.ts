/** The keys of a ConfigMap or Secret as the kubelet mounts them: links into a directory that it replaces as a whole when they change. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { ConfigRef } from "../../contract/task.ts";
import { errnoOf, MoverError } from "../errors.ts";

/** Name of the link to the directory that is mounted now. */
const currentLink = "..data";
/** A kubelet replaces it every minute at most. */
const tries = 5;

export type Keys = ReadonlyMap<string, Buffer>;

/**
 * All of one moment. @throws MoverError HO-P117 when the object, or a key that is named, does not exist.
 * @param directory where it is mounted
 */
export async function readKeys(ref: ConfigRef, directory: string): Promise<Keys> {
  for (let attempt = 1; ; attempt++) {
    const before = await currentOf(directory);
    const keys = await readAll(ref, directory);
    if (before === (await currentOf(directory))) return keys;
    if (attempt === tries)
      throw new MoverError("HO-X001", `${ref.kind} ${ref.name} changes again and again`, { retry: true });
  }
}

async function currentOf(directory: string): Promise<string | undefined> {
  try {
    return await readlink(join(directory, currentLink));
  } catch (error) {
    if (["ENOENT", "EINVAL", "ENOTDIR"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

async function readAll({ kind, name, keys: wanted }: ConfigRef, directory: string): Promise<Keys> {
  const present = await namesIn(directory);
  // The kubelet mounts an empty directory in the place of an object that is not there.
  if (present.length === 0)
    throw new MoverError(
      "HO-P117",
      `${kind} ${name} does not exist, or has ${wanted === undefined ? "no keys" : `not one of the keys ${wanted.join(", ")}`}`,
    );
  const missing = (wanted ?? []).filter((key) => !present.includes(key));
  if (missing.length > 0) throw new MoverError("HO-P117", `${kind} ${name} has no key ${missing.join(", ")}`);
  const keys = new Map<string, Buffer>();
  for (const key of (wanted ?? present).toSorted()) {
    try {
      keys.set(key, await readFile(join(directory, key)));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      // Replaced while it was read: whoever compares the moments sees it, unless the key is a link to nowhere.
      if ((await namesIn(directory)).includes(key))
        throw new MoverError("HO-X001", `key ${key} of ${kind} ${name} cannot be read`, { retry: true });
    }
  }
  return keys;
}

/** No key of an object begins with two dots. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith(".."));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
