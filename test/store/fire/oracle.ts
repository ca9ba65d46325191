/**
 * A fresh look at a disk, with nothing of the code that wrote it: what is in view, whether it is whole, what is said of it,
 * and what lies about. A generation counts as the same only when nothing of it has changed by a byte.
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import type { Layout } from "../../../operator/mover/store/layout.ts";
import type { World } from "./world.ts";

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

/** A line for everything in the directory: kind, mode, path, and digest of the content or where it leads. */
export function treeOf(directory: string): readonly string[] {
  const lines: string[] = [];
  // The deletion of a tree that has failed in one place goes on in others for a moment.
  const isGone = (error: unknown): boolean => (error as { readonly code?: unknown }).code === "ENOENT";
  const look = (path: string): void => {
    try {
      lines.push(describe(path));
      if (lstatSync(path).isDirectory()) for (const entry of readdirSync(path).toSorted()) look(join(path, entry));
    } catch (error) {
      if (path === directory || !isGone(error)) throw error;
    }
  };
  const describe = (path: string): string => {
    const found = lstatSync(path);
    const mode = (found.mode & 0o7777).toString(8);
    const name = relative(directory, path);
    if (found.isDirectory()) return `d ${mode} ${name}`;
    if (found.isSymbolicLink()) return `l ${name} ${readlinkSync(path)}`;
    return found.isFile() ? `f ${mode} ${name} ${sha256(readFileSync(path))}` : `? ${name}`;
  };
  look(directory);
  return lines;
}

/** @returns why the directory is no whole generation of this name; undefined when it is one. */
export function flawOf(directory: string, id: string): string | undefined {
  try {
    const text = readFileSync(join(directory, "manifest.json"));
    if (readFileSync(join(directory, "manifest.sha256"), "utf8") !== `${sha256(text)}  manifest.json\n`)
      return "the manifest does not have its digest";
    const manifest = JSON.parse(text.toString()) as {
      readonly id: string;
      readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
    };
    if (manifest.id !== id) return `it is ${manifest.id}`;
    const expected = new Set(["manifest.json", "manifest.sha256"]);
    for (const file of manifest.files) {
      const content = readFileSync(join(directory, file.path));
      if (content.length !== file.size || sha256(content) !== file.sha256) return `${file.path} is not whole`;
      expected.add(file.path);
    }
    const other = treeOf(directory).find((line) => {
      const path = / (?:[0-7]+ )?(.*?)(?: [0-9a-f]{64})?$/.exec(line)?.[1] ?? "";
      return !line.startsWith("d ") && !expected.has(path);
    });
    return other === undefined ? undefined : `${other} is not in the manifest`;
  } catch (error) {
    return String(error);
  }
}

/** What is in view at one place: the tree of each directory, as one digest. */
type View = ReadonlyMap<string, string>;

export interface Sight {
  readonly views: Readonly<Record<Place, View>>;
  /** What the app has. */
  readonly volume: string;
  /** Digests of all files on its volume, wherever they are. */
  readonly contents: ReadonlySet<string>;
  /** Every path on the disk. */
  readonly paths: readonly string[];
}

const placesOf = (world: World) =>
  ({ handover: world.source.handover, store: world.source.store, sink: world.sink.store }) as const;
type Place = keyof ReturnType<typeof placesOf>;
const places = ["handover", "store", "sink"] as const;

const digestOf = (directory: string): string => sha256(treeOf(directory).join("\n"));
const namesIn = (directory: string): readonly string[] => (existsSync(directory) ? readdirSync(directory) : []);

/** What the app has; what a restore has put beside it is not of it. */
const volumeOf = (world: World): string =>
  sha256(
    treeOf(world.volume)
      .filter((line) => !/^\S+ (?:[0-7]+ )?\.handover-/.test(line))
      .join("\n"),
  );

const contentsOf = (world: World): ReadonlySet<string> =>
  new Set(
    treeOf(world.volume).flatMap((line) => {
      // How far an exchange has come is nobody's content.
      const isContent = line.startsWith("f ") && !/ \.handover-[^/]+\/[^/]+ [0-9a-f]{64}$/.test(line);
      return isContent ? [line.slice(-64)] : [];
    }),
  );

export function lookAt(world: World): Sight {
  const viewOf = (directory: string): View =>
    new Map(namesIn(directory).map((name) => [name, digestOf(join(directory, name))]));
  const { handover, store, sink } = placesOf(world);
  return {
    views: { handover: viewOf(handover), store: viewOf(store), sink: viewOf(sink) },
    volume: volumeOf(world),
    contents: contentsOf(world),
    paths: treeOf(world.disk).map((line) => line.replace(/^[dlf?] (?:[0-7]+ )?/, "").replace(/ [0-9a-f]{64}$/, "")),
  };
}

/**
 * What is wrong in view after a fault. Each directory is an older generation as it was, or a new one, whole; what the step was
 * not to touch is there; what it moves within the source is not lost between the two.
 * @param before and `end` are the sights before the step and after one without a fault
 * @param exchanges whether what the app has is exchanged: then nothing of it, nor of what comes, may be lost
 */
export function wrongInView(world: World, before: Sight, end: Sight, exchanges = false): readonly string[] {
  const now = lookAt(world);
  const wrong: string[] = [];
  for (const place of places) {
    const [was, is, willBe] = [before.views[place], now.views[place], end.views[place]];
    for (const [id, digest] of is) {
      if (digest === was.get(id) || digest === willBe.get(id)) continue;
      const known = places.some((one) => before.views[one].get(id) === digest);
      const path = join(placesOf(world)[place], id);
      const flaw = was.has(id)
        ? "it has changed"
        : willBe.has(id)
          ? flawOf(path, id)
          : known
            ? undefined
            : "what is it?";
      if (flaw !== undefined) wrong.push(`${place}/${id}: ${flaw}`);
    }
    for (const [id, digest] of was)
      if (willBe.get(id) === digest && !is.has(id)) wrong.push(`${place}/${id}: it is gone`);
  }
  const atSource = (sight: Sight): View => new Map([...sight.views.handover, ...sight.views.store]);
  for (const [id] of atSource(before))
    if (atSource(end).has(id) && !atSource(now).has(id)) wrong.push(`source/${id}: it is gone`);
  if (!exchanges && now.volume !== before.volume) wrong.push("what the app has in its volume has changed");
  if (exchanges && [...before.contents].some((one) => !now.contents.has(one)))
    wrong.push("a file of the volume is lost");
  return wrong;
}

/** Markers that call verified what is not whole at their place. */
export function liesAt(layout: Layout): readonly string[] {
  return namesIn(layout.verified).flatMap((name) => {
    if (!name.endsWith(".json") || name.startsWith(".")) return [];
    const path = join(layout.verified, name);
    const marker = JSON.parse(readFileSync(path, "utf8")) as {
      readonly id: string;
      readonly manifestSHA256: string;
      readonly removedAt?: string;
    };
    const generation = join(layout.store, marker.id);
    if (marker.removedAt !== undefined || !existsSync(join(generation, "manifest.json"))) return [];
    if (sha256(readFileSync(join(generation, "manifest.json"))) !== marker.manifestSHA256) return [];
    const flaw = flawOf(generation, marker.id);
    return flaw === undefined ? [] : [`${name} calls verified what is not whole: ${flaw}`];
  });
}

/** How the disk differs from what a step without a fault leaves: what is left over, what is missing, what has other content. */
export function differencesFrom(world: World, end: Sight): readonly string[] {
  const now = lookAt(world);
  const [is, willBe] = [new Set(now.paths), new Set(end.paths)];
  const inView = places.flatMap((place) =>
    [...end.views[place]].flatMap(([id, digest]) =>
      now.views[place].get(id) === digest || flawOf(join(placesOf(world)[place], id), id) === undefined
        ? []
        : [`${place}/${id} is not as it should be`],
    ),
  );
  return [
    ...now.paths.filter((path) => !willBe.has(path)).map((path) => `left over: ${path}`),
    ...end.paths.filter((path) => !is.has(path)).map((path) => `missing: ${path}`),
    ...inView,
    ...(now.volume === end.volume ? [] : ["what the app has in its volume is something else"]),
  ];
}
