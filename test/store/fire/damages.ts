/**
 * What may happen to a copy on a disk: each kind does it to one copy, by lot, and says what it did. Left out is what no
 * verification has to see, because no byte of the generation has changed: modes, times, an empty directory.
 */
import {
  appendFileSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { sha256 } from "../../support/generations.ts";

export interface Victim {
  /** Directory of the copy. */
  readonly path: string;
  /** Directory of another generation. */
  readonly other: string;
  /** Files that the reader has to read; only what they contain is changed. All, when absent. */
  readonly read?: readonly string[];
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** @returns what was done, or undefined when it would have changed nothing. */
type Damage = (victim: Victim) => string | undefined;

const pick = <T>(list: readonly T[], random: () => number): T => list[Math.floor(random() * list.length)]!;

export function filesIn(directory: string, below = directory): readonly string[] {
  return readdirSync(below)
    .toSorted()
    .flatMap((name) => {
      const path = join(below, name);
      return lstatSync(path).isDirectory() ? filesIn(directory, path) : [relative(directory, path)];
    });
}

const own = ["manifest.json", "manifest.sha256", "SHA256SUMS"];
/** A file whose content counts for the reader. */
const pickRead = ({ path, read, random }: Victim): string => pick(read ?? filesIn(path), random);
const pickAny = ({ path, random }: Victim): string => pick(filesIn(path), random);

/** Rewrites a file with some of its bytes changed. */
function change(file: string, by: (content: Buffer) => void): boolean {
  const content = readFileSync(file);
  const before = sha256(content);
  by(content);
  writeFileSync(file, content);
  return sha256(content) !== before;
}

function flip(victim: Victim): string | undefined {
  const name = pickRead(victim);
  const file = join(victim.path, name);
  const bit = Math.floor(victim.random() * lstatSync(file).size * 8);
  change(file, (content) => (content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7))));
  return `bit ${bit} of ${name} is flipped`;
}

function truncate(victim: Victim): string | undefined {
  const name = pickAny(victim);
  const length = Math.floor(victim.random() * lstatSync(join(victim.path, name)).size);
  truncateSync(join(victim.path, name), length);
  return `${name} ends after ${length} bytes`;
}

function extend(victim: Victim): string | undefined {
  const name = pickAny(victim);
  appendFileSync(
    join(victim.path, name),
    Buffer.alloc(1 + Math.floor(victim.random() * 5000), pick([0, 10, 255], victim.random)),
  );
  return `${name} is longer`;
}

/** Sectors that were never written. */
function zero(victim: Victim): string | undefined {
  const name = pickRead(victim);
  const from = Math.floor(victim.random() * lstatSync(join(victim.path, name)).size);
  const changed = change(join(victim.path, name), (content) =>
    content.fill(0, from, Math.min(from + 512, content.length)),
  );
  return changed ? `up to 512 bytes of ${name} from ${from} on are zero` : undefined;
}

function swapWithOther(victim: Victim): string | undefined {
  const name = pick(
    (victim.read ?? filesIn(victim.path)).filter((file) => filesIn(victim.other).includes(file)),
    victim.random,
  );
  const before = sha256(readFileSync(join(victim.path, name)));
  copyFileSync(join(victim.other, name), join(victim.path, name));
  return sha256(readFileSync(join(victim.path, name))) === before ? undefined : `${name} is that of another generation`;
}

function swapWithin(victim: Victim): string | undefined {
  const [one, two] = [pickAny(victim), pickAny(victim)];
  if (one === two) return undefined;
  const [a, b, between] = [join(victim.path, one), join(victim.path, two), join(dirname(victim.path), "between")];
  renameSync(a, between);
  renameSync(b, a);
  renameSync(between, b);
  return `${one} and ${two} have changed places`;
}

function addFile(victim: Victim): string | undefined {
  const directory = pick(["", "volumes", "databases", "new/deeper", ".hidden"], victim.random);
  const name = join(
    directory,
    pick(["extra", ".manifest.json.0123456789ab.tmp", "SHA256SUMS~", "uploads.tar"], victim.random),
  );
  mkdirSync(join(victim.path, directory), { recursive: true });
  writeFileSync(join(victim.path, name), "not of this generation");
  return `${name} is new`;
}

function removeFile(victim: Victim): string | undefined {
  const name = pickAny(victim);
  rmSync(join(victim.path, name));
  return `${name} is gone`;
}

function renameFile(victim: Victim): string | undefined {
  const name = pickAny(victim);
  renameSync(join(victim.path, name), join(victim.path, `${name}.bak`));
  return `${name} has another name`;
}

function linkFile(victim: Victim): string | undefined {
  const name = pickAny(victim);
  const elsewhere = join(dirname(dirname(victim.path)), `linked-${Math.floor(victim.random() * 1e9)}`);
  copyFileSync(join(victim.path, name), elsewhere);
  rmSync(join(victim.path, name));
  symlinkSync(victim.random() < 0.5 ? elsewhere : "nowhere", join(victim.path, name));
  return `${name} is a link`;
}

function linkDirectory(victim: Victim): string | undefined {
  renameSync(join(victim.path, "volumes"), join(victim.path, "../../volumes-elsewhere"));
  symlinkSync("../../volumes-elsewhere", join(victim.path, "volumes"));
  return "volumes is a link";
}

function directoryForFile(victim: Victim): string | undefined {
  const name = pickAny(victim);
  rmSync(join(victim.path, name));
  mkdirSync(join(victim.path, name));
  return `${name} is a directory`;
}

function emptyDirectory(victim: Victim): string | undefined {
  const directory = pick(["", "volumes"], victim.random);
  for (const name of readdirSync(join(victim.path, directory)))
    rmSync(join(victim.path, directory, name), { recursive: true });
  return `${directory || "the directory"} is empty`;
}

function foreignManifest(victim: Victim): string | undefined {
  const both = victim.random() < 0.5;
  for (const name of both ? ["manifest.json", "manifest.sha256"] : ["manifest.json"])
    copyFileSync(join(victim.other, name), join(victim.path, name));
  return both ? "manifest and digest are those of another generation" : "the manifest is that of another generation";
}

/** A manifest that was written anew, with its digest: it fits itself, and not what lies beside it. */
function forgedManifest(victim: Victim): string | undefined {
  const manifest = JSON.parse(readFileSync(join(victim.path, "manifest.json"), "utf8")) as {
    files: { path: string; size: number; sha256: string }[];
  };
  const index = Math.floor(victim.random() * manifest.files.length);
  const file = manifest.files[index]!;
  const how = pick(["digest", "size", "missing", "additional"], victim.random);
  // It is not asked for by the files themselves, so only who knows the true manifest misses it.
  if (how === "missing" && file.path === "SHA256SUMS") return undefined;
  if (how === "digest") file.sha256 = sha256(String(victim.random()));
  else if (how === "size") file.size += 1;
  else if (how === "missing") manifest.files.splice(index, 1);
  else manifest.files.push({ path: "volumes/more.tar.zst", size: 0, sha256: sha256("") });
  sealAnew(victim.path, manifest);
  return `the manifest was written anew, with its digest: ${how} of ${file.path}`;
}

/** Nothing at this place contradicts it; only whoever knows the digest of the true one can tell. */
export function otherTruth({ path, random }: Victim): string {
  const manifest = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")) as Record<string, unknown>;
  const key = pick(["time", "sealedAt", "consistency", "run"], random);
  manifest[key] =
    key === "run" ? { name: "other", uid: "other" } : key === "consistency" ? "Running" : "2026-01-01T00:00:00Z";
  sealAnew(path, manifest);
  return `the manifest was written anew, with its digest: another ${key}`;
}

function sealAnew(path: string, manifest: unknown): void {
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
  writeFileSync(join(path, "manifest.json"), text);
  writeFileSync(join(path, "manifest.sha256"), `${sha256(text)}  manifest.json\n`);
}

/** How often a kind is drawn: those that have the most ways come most often. */
const weights: readonly (readonly [number, string, Damage])[] = [
  [8, "bit flip", flip],
  [4, "bit flip in what is small", (victim) => flip({ ...victim, read: own })],
  [5, "truncation", truncate],
  [3, "extension", extend],
  [5, "zeroed sector", zero],
  [1, "file of another generation", swapWithOther],
  [2, "swapped files", swapWithin],
  [2, "extra file", addFile],
  [1, "removed file", removeFile],
  [1, "renamed file", renameFile],
  [1, "link for a file", linkFile],
  [1, "link for a directory", linkDirectory],
  [1, "directory for a file", directoryForFile],
  [1, "emptied directory", emptyDirectory],
  [1, "manifest of another generation", foreignManifest],
  [2, "forged manifest", forgedManifest],
];
/** One round of all kinds, each as often as it is drawn. */
export const damages: readonly (readonly [string, Damage])[] = weights.flatMap(([weight, kind, damage]) =>
  Array.from({ length: weight }, () => [kind, damage] as const),
);
