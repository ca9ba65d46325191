/**
 * What a volume holds comes back as it was, by the real steps: of a full backup, and of one that is based on it after everything has
 * changed in the way that its kind can. Compared by programs that share nothing with the data path.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { ResultOf } from "../../operator/contract/result.ts";
import { fidelityItems } from "../support/fidelity-items.ts";
import { makeGeneration, restoreGeneration } from "../support/generation-bed.ts";
import { createBed, type MoverBed } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { below, readFacts, rsyncDifferences, withoutSockets, type TreeFacts } from "../support/tree-facts.ts";

jest.setTimeout(120_000);

let bed: MoverBed;
let volume = "";
const generations: string[] = [];
const archived: ResultOf<"archive">[] = [];
/** What each backup has seen, and what each restore has brought back. */
const before: TreeFacts[] = [];
const after: TreeFacts[] = [];

const directoryOf = (index: number): string => `item-${index}`;
const script = (text: string, directory: string): string => run("sh", ["-ec", text], { cwd: join(volume, directory) });

async function backUp(seq: number, type: "Full" | "Incremental"): Promise<string> {
  const { path, archived: result } = await makeGeneration(bed, seq, type);
  if (result !== undefined) archived.push(result);
  return path;
}

const snapshot = (name: string): string => join(bed.root, name);

beforeAll(async () => {
  bed = createBed();
  volume = bed.volume("uploads");
  run("setfacl", ["-m", "u:55:rwx,d:u:66:rx", volume]);
  run("setfattr", ["-n", "user.root", "-v", "1", volume]);
  for (const [index, item] of fidelityItems.entries()) {
    mkdirSync(join(volume, directoryOf(index)));
    // Each item says by itself which ACLs it has.
    run("setfacl", ["-b", "-k", join(volume, directoryOf(index))]);
    script(item.write, directoryOf(index));
  }
  run("touch", ["-d", "@1111111111.111111111", volume]);
  generations.push(await backUp(1, "Full"));
  before.push(readFacts(volume));
  run("cp", ["-a", volume, snapshot("first")]);
  for (const [index, item] of fidelityItems.entries()) script(item.change ?? ":", directoryOf(index));
  run("sh", ["-ec", "setfattr -x user.root .; setfacl -x u:55 .; chmod 2751 .; chown 12:34 .; touch -d @-5.25 ."], {
    cwd: volume,
  });
  generations.push(await backUp(2, "Incremental"));
  before.push(readFacts(volume));
  run("cp", ["-a", volume, snapshot("second")]);
  for (const path of generations.toReversed()) {
    await restoreGeneration(bed, path);
    after.unshift(readFacts(volume));
    if (path === generations[1]) run("cp", ["-a", volume, snapshot("restored-second")]);
  }
}, 300_000);
afterAll(() => bed.dispose());

/** Of pipes and devices GNU tar does not keep which names share one. */
const unshared = (entries: TreeFacts["entries"]): TreeFacts["entries"] =>
  Object.fromEntries(
    Object.entries(entries).map(([path, facts]) => [
      path,
      /^[pcb]/.test(facts.type) ? { ...facts, sharedWith: null } : facts,
    ]),
  );

describe.each([
  [0, "a full one"],
  [1, "one that is based on it"],
] as const)("from backup %s, %s", (round, _which) => {
  const facts = (): readonly [TreeFacts, TreeFacts] => {
    const [seen, restored] = [before[round], after[round]];
    if (seen === undefined || restored === undefined) throw new Error("the backup or the restore has failed");
    return [withoutSockets(seen), restored];
  };

  test.each(fidelityItems.map(({ name }, index) => [name, index] as const))("%s", (_name, index) => {
    const [seen, restored] = facts();
    expect(Object.keys(below(seen, directoryOf(index))).length).toBeGreaterThan(1);
    expect(unshared(below(restored, directoryOf(index)))).toEqual(unshared(below(seen, directoryOf(index))));
  });

  test("the root: mode, owner, attributes, ACLs and the nanosecond of its time", () => {
    const [seen, restored] = facts();
    expect(restored.entries["."]).toEqual(seen.entries["."]);
  });

  test("nothing takes more room than it did", () => {
    const [seen, restored] = facts();
    // The end of each piece of a file may take one block more.
    const larger = Object.entries(restored.allocated).filter(
      ([path, bytes]) => bytes > (seen.allocated[path] ?? 0) + 4096 * 8,
    );
    expect(larger).toEqual([]);
  });

  test("nothing else is there", () => {
    const [seen, restored] = facts();
    expect(Object.keys(restored.entries).toSorted()).toEqual(Object.keys(seen.entries).toSorted());
  });
});

test("rsync sees no difference either", () => {
  for (const name of ["first", "second"]) run("find", [snapshot(name), "-type", "s", "-delete"]);
  // Removing the sockets has changed the times of their directories; and see `unshared`.
  const known = /^\.d\.\.t\.{6} item-\d+\/(f\/)?$|^h[DS] {2}/;
  const rest = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "" && !known.test(line));
  expect(rest(rsyncDifferences(snapshot("second"), snapshot("restored-second")))).toEqual([]);
  expect(rest(rsyncDifferences(snapshot("first"), volume))).toEqual([]);
});

test("sockets are said to be left out", () => {
  expect(archived.map(({ warnings }) => warnings)).toEqual([
    [expect.stringContaining("volume uploads: 1 socket")],
    [expect.stringContaining("volume uploads: 2 sockets")],
  ]);
});
