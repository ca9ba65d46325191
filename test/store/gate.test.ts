/**
 * That faults miss nothing: of every step that they are tried in, the gate counts the very calls on the disk that strace sees, of
 * Node, of its threads and of the tools. What the gate does not know is no call that changes a disk.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { Scenario } from "./fire/campaign.ts";
import { GatedMover, removeGate } from "./fire/gate.ts";
import { firstTransport, sealing, settling, staging, transporting } from "./fire/scenarios.ts";
import { makeTemplates, type Templates } from "./fire/templates.ts";
import { createWorld, removeWorld, reset, tasks, type World } from "./fire/world.ts";

jest.setTimeout(5 * 60_000);

let world: World;
let templates: Templates;
let scenarios: readonly Scenario[] = [];
beforeAll(async () => {
  process.umask(0o077);
  world = createWorld();
  templates = await makeTemplates(world);
  scenarios = [sealing, transporting, firstTransport, settling, staging].flatMap((build) => build(world, templates));
});
afterAll(() => {
  removeGate();
  removeWorld(world);
});

/** Of all calls with a path or a descriptor these only read. Not a list of those that write: one that is missing there is to be seen. */
const reading = new Set(
  `read pread64 readv preadv preadv2 close close_range stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2
   readlink readlinkat getcwd chdir fchdir getdents getdents64 lseek mmap poll ppoll select pselect6 epoll_create epoll_create1
   epoll_ctl epoll_wait epoll_pwait epoll_pwait2 fcntl dup dup2 dup3 ioctl fadvise64 execve getxattr lgetxattr fgetxattr listxattr
   llistxattr flistxattr inotify_init1 inotify_add_watch pipe2 eventfd2 readahead`.split(/\s+/),
);

/** Name of a call that may change what is below the disk; undefined for any other line of strace. */
function parse(line: string, disk: string): string | undefined {
  const [, name = "", rest = ""] = /^\d+ +(\w+)\((.*)/.exec(line) ?? [];
  const creates = /^(open|openat)$/.test(name) && /O_CREAT|O_TRUNC|O_TMPFILE/.test(rest);
  if (name === "" || reading.has(name) || (/^(open|openat)$/.test(name) && !creates)) return undefined;
  const isOurs = (path: string): boolean => path === disk || path.startsWith(`${disk}/`);
  // A descriptor or a directory, by `-y` with its path. What a write has in its buffer does not count.
  const [, at = "", next = ""] = /^(?:AT_FDCWD|\d+)<([^>]*)>(?:, "((?:[^"\\]|\\.)*)")?/.exec(rest) ?? [];
  if (at !== "") return isOurs(/at2?$/.test(name) && next.startsWith("/") ? next : at) ? name : undefined;
  const paths = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = ""]) => path);
  // Only tools use relative paths, and they work on the disk.
  return paths.some((path) => isOurs(path) || (paths[0] === path && !path.startsWith("/"))) ? name : undefined;
}

const count = (names: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));

test("the gate counts what strace sees, and nobody writes past both", async () => {
  const all = new Set<string>();
  for (const scenario of scenarios) {
    reset(world, scenario.from);
    const trace = join(world.base, `trace-${scenario.name}`);
    const watch = ["-f", "-y", "-qq", "-s", "4096", "-e", "trace=%file,%desc,sync,io_uring_setup", "-e", "signal=none"];
    const mover = new GatedMover(world.base, ["strace", ...watch, "-o", trace]);
    await mover.arm(0, "none");
    expect(await mover.run(scenario.task, "pod")).toMatchObject({ end: "ok" });
    const { calls, blind } = await mover.report();
    await mover.finish();
    const text = readFileSync(trace, "utf8");
    const seen = text.split("\n").flatMap((line) => parse(line, world.disk) ?? []);
    expect({ scenario: scenario.name, ...count(calls.map((call) => call.split(" ")[0] ?? "")) }).toEqual({
      scenario: scenario.name,
      ...count(seen),
    });
    expect(blind).toBe(0);
    // A file that is mapped to be written changes without a call.
    expect(
      text.split("\n").filter((line) => /mmap\(.*PROT_WRITE.*MAP_SHARED/.test(line) && line.includes(world.disk)),
    ).toEqual([]);
    for (const name of seen) all.add(name);
  }
  expect([...all]).toEqual(
    expect.arrayContaining(["write", "fsync", "syncfs", "rename", "unlink", "rmdir", "utimensat"]),
  );
});

test("planning a restore changes nothing, so there is nothing to fail", async () => {
  reset(world, templates.today);
  const mover = new GatedMover(world.base);
  await mover.arm(0, "none");
  expect(await mover.run(tasks.plan(), "pod")).toMatchObject({ end: "ok" });
  expect(await mover.report()).toEqual({ count: 0, hits: 0, blind: 0, calls: [] });
  await mover.close();
});
