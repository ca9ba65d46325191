/**
 * What a tree is, as the kernel says it, by a program that shares nothing with the data path: also what rsync does not compare,
 * such as nanoseconds of directories and links, the root, blocks of sparse files, every extended attribute, and which names share a file.
 */
import { differences, run } from "./odd-files.ts";

export interface EntryFacts {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  /** Nanoseconds since 1970. */
  readonly mtime: string;
  readonly size: number | null;
  /** SHA-256, target of a link, or number of a device. */
  readonly content: string | null;
  /** First of the names that share this file; absent when it has one. */
  readonly sharedWith: string | null;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface TreeFacts {
  /** By path, bytes as latin1; "." is the root. */
  readonly entries: Readonly<Record<string, EntryFacts>>;
  /** Bytes that regular files take, by path. */
  readonly allocated: Readonly<Record<string, number>>;
}

const script = `
import hashlib, json, os, stat, sys
os.chdir(sys.argv[1])
entries, allocated, first = {}, {}, {}
def add(path):
    s = os.lstat(path)
    t = stat.S_IFMT(s.st_mode)
    content = None
    if t == stat.S_IFREG:
        h = hashlib.sha256()
        with open(path, "rb", buffering=0) as f:
            for block in iter(lambda: f.read(1 << 20), b""):
                h.update(block)
        content = h.hexdigest()
        allocated[path.decode("latin1")] = s.st_blocks * 512
    elif t == stat.S_IFLNK:
        content = os.readlink(path).decode("latin1")
    elif t in (stat.S_IFCHR, stat.S_IFBLK):
        content = "%d:%d" % (os.major(s.st_rdev), os.minor(s.st_rdev))
    shared = None
    if t != stat.S_IFDIR and s.st_nlink > 1:
        shared = first.setdefault(s.st_ino, path).decode("latin1")
    entries[path.decode("latin1")] = {
        "type": stat.filemode(s.st_mode)[0], "mode": oct(stat.S_IMODE(s.st_mode)), "owner": "%d:%d" % (s.st_uid, s.st_gid),
        "mtime": str(s.st_mtime_ns), "size": s.st_size if t == stat.S_IFREG else None, "content": content, "sharedWith": shared,
        "attributes": {os.fsencode(n).decode("latin1"): os.getxattr(path, n, follow_symlinks=False).hex()
                       for n in sorted(os.listxattr(path, follow_symlinks=False)) if n != "security.selinux"},
    }
    if t == stat.S_IFDIR:
        for name in sorted(os.listdir(path)):
            add(name if path == b"." else path + b"/" + name)
add(b".")
json.dump({"entries": entries, "allocated": allocated}, sys.stdout)
`;

export function readFacts(root: string): TreeFacts {
  return JSON.parse(run("python3", ["-c", script, root])) as TreeFacts;
}

/** Sockets, which no archive holds, left out. */
export function withoutSockets({ entries, allocated }: TreeFacts): TreeFacts {
  return { entries: Object.fromEntries(Object.entries(entries).filter(([, { type }]) => type !== "s")), allocated };
}

/** The entries at a path and below it. */
export const below = (facts: TreeFacts, path: string): TreeFacts["entries"] =>
  Object.fromEntries(Object.entries(facts.entries).filter(([name]) => name === path || name.startsWith(`${path}/`)));

/** What rsync would still do to make the one equal to the other, in either direction; empty when nothing. */
export const rsyncDifferences = (a: string, b: string): string => differences(a, b) + differences(b, a);
