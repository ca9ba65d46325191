/** Random changes of a directory, as apps and people make them, from a seed. Needs root. */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { run } from "./odd-files.ts";

export type Random = () => number;

/** Numbers from 0 up to 1 that are the same for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const names = ["a", "b", "a.b", "dir", "dir.d", "-rf", "new\nline", "ü", "deep", "z z"] as const;

/**
 * One change below a directory for the test alone, in which there is nothing else.
 * @returns what was done, for the message of a test that fails */
export function mutate(root: string, random: Random): string {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const all = below(root, "").toSorted();
  const kind = (path: string): "file" | "directory" | "link" | "other" => {
    const found = lstatSync(join(root, path));
    return found.isDirectory() ? "directory" : found.isSymbolicLink() ? "link" : found.isFile() ? "file" : "other";
  };
  const of = (wanted: ReturnType<typeof kind>): string | undefined => pick(all.filter((path) => kind(path) === wanted));
  const at = (path: string): string => join(root, path);
  const free = (): string => {
    const directory = random() < 0.4 ? "" : (of("directory") ?? "");
    for (;;) {
      const name = join(directory, `${pick(names)}${random() < 0.5 ? "" : Math.floor(random() * 100)}`);
      if (name.split("/").length < 6 && !exists(at(name))) return name;
      if (random() < 0.1) return `n${Math.floor(random() * 1e9)}`;
    }
  };
  const content = (): string => `${random()}`.repeat(1 + Math.floor(random() * 300));
  const steps: readonly (() => string | undefined)[] = [
    () => {
      const path = free();
      writeFileSync(at(path), content());
      return `create ${path}`;
    },
    () => {
      const path = of("file");
      if (path === undefined) return undefined;
      // An edit that keeps size and modification time.
      const { size } = statSync(at(path));
      run("cp", ["--attributes-only", "--preserve=timestamps", at(path), join(root, "..", "stamp")]);
      writeFileSync(at(path), `${random()}`.repeat(size).slice(0, size));
      run("touch", [`--reference=${join(root, "..", "stamp")}`, at(path)]);
      return `edit ${path}`;
    },
    () => onFile((path) => appendFileSync(path, content()), "append"),
    () => onFile((path) => truncateSync(path, Math.floor(statSync(path).size / 2)), "truncate"),
    () => onFile((path) => rmSync(path), "delete"),
    () => {
      const path = pick(all);
      if (path === undefined || random() < 0.7) return undefined;
      rmSync(at(path), { recursive: true });
      return `delete tree ${path}`;
    },
    () => {
      const [path, to] = [pick(all), free()];
      if (path === undefined || to.startsWith(`${path}/`)) return undefined;
      renameSync(at(path), at(to));
      return `rename ${path} to ${to}`;
    },
    () => {
      const path = free();
      mkdirSync(at(path));
      return `directory ${path}`;
    },
    () => {
      const path = free();
      symlinkSync(pick(["a", "../b", "/proc/nowhere", "dir"]) ?? "a", at(path));
      return `link ${path}`;
    },
    () => {
      const path = pick(all);
      if (path === undefined) return undefined;
      const was = kind(path);
      rmSync(at(path), { recursive: true });
      if (was === "directory") {
        if (random() < 0.5) writeFileSync(at(path), content());
        else symlinkSync("a", at(path));
      } else {
        mkdirSync(at(path));
        writeFileSync(join(at(path), "within"), content());
      }
      return `change the type of ${was} ${path}`;
    },
    () => {
      const path = pick(all.filter((one) => kind(one) !== "link"));
      if (path === undefined) return undefined;
      chmodSync(at(path), pick([0o700, 0o755, 0o640, 0o4755, 0o1777]) ?? 0o700);
      return `mode ${path}`;
    },
    () => {
      const path = pick(all);
      if (path === undefined) return undefined;
      run("chown", ["-h", `${pick([0, 1000, 4321])}:${pick([0, 1000])}`, "--", at(path)]);
      return `owner ${path}`;
    },
    () => {
      const path = pick(["", ...all]) ?? "";
      run("touch", ["-h", "-d", `2024-0${1 + Math.floor(random() * 9)}-01 01:02:03.123456789`, "--", at(path)]);
      return `touch ${path}`;
    },
    () => {
      const [path, to] = [of("file"), free()];
      if (path === undefined) return undefined;
      linkSync(at(path), at(to));
      return `hard link ${path} to ${to}`;
    },
    () =>
      onFile((path) => {
        const bytes = readFileSync(path);
        const { mode, uid, gid } = statSync(path);
        rmSync(path);
        writeFileSync(path, bytes);
        chownSync(path, uid, gid);
        chmodSync(path, mode & 0o7777);
      }, "break hard link"),
    () => {
      // Files that trade places among their links, equal in everything else.
      const twins = ["twin-1", "twin-2", "twin-3", "twin-4"].map((name) => at(name));
      for (const twin of twins) rmSync(twin, { recursive: true, force: true });
      const [one = "", two = "", three = "", four = ""] =
        random() < 0.5 ? twins : [twins[0], twins[2], twins[1], twins[3]];
      for (const path of [one, three]) writeFileSync(path, "twin");
      linkSync(one, two);
      linkSync(three, four);
      for (const path of twins) run("touch", ["-d", "2024-01-01 00:00:00", path]);
      return "twins";
    },
    () => {
      const path = free();
      run("mkfifo", ["--", at(path)]);
      return `fifo ${path}`;
    },
    () => {
      // A directory whose names have changed, but not its times.
      const directory = of("directory") ?? "";
      const name = join(directory, `sly${Math.floor(random() * 20)}`);
      if (exists(at(name))) return undefined;
      const stamp = join(root, "..", "dir-stamp");
      mkdirSync(stamp, { recursive: true });
      run("touch", [`--reference=${at(directory)}`, stamp]);
      writeFileSync(at(name), content(), { flag: "wx" });
      run("touch", [`--reference=${stamp}`, at(directory)]);
      return `slyly into ${directory}`;
    },
  ];
  function onFile(work: (path: string) => void, what: string): string | undefined {
    const path = of("file");
    if (path === undefined) return undefined;
    work(at(path));
    return `${what} ${path}`;
  }
  for (;;) {
    const done = pick(steps)?.();
    if (done !== undefined) return done;
  }
}

/**
 * Never `readdir` with `recursive`, which goes through symbolic links: links that these steps make lead anywhere, and
 * everything that is listed here gets changed.
 */
function below(root: string, directory: string): readonly string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...below(root, path)] : [path];
  });
}

const exists = (path: string): boolean => existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
