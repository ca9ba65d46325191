/** Command lines as the real tools understand them, and what is read from their output. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { parseResult, type MoverResult } from "../../../operator/contract/result.ts";
import { encodeResult } from "../../../operator/mover/main.ts";
import { chooseClient, createLockWatch } from "../../../operator/mover/tools/pg.ts";
import { argvMirror, changedFiles, firstUnreadable, parseStats } from "../../../operator/mover/tools/rsync.ts";
import { run } from "../../support/odd-files.ts";

describe("what a volume's paths and excludes select", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "handover-select-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const files = [
    "a/b/f",
    "a/b[1]/f",
    "a/g",
    "cache/x/y",
    "d/cache/z",
    "d/node_modules/m",
    "node_modules/n",
    "lost+found/l",
    "top",
    "st*r/f",
    "star/f",
  ];
  test.each([
    [
      "everything",
      ["."],
      [],
      [
        "a/b/f",
        "a/b[1]/f",
        "a/g",
        "cache/x/y",
        "d/cache/z",
        "d/node_modules/m",
        "node_modules/n",
        "st*r/f",
        "star/f",
        "top",
      ],
    ],
    [
      "an exclude at the root only",
      ["."],
      ["cache/**", "a", "s*"],
      ["d/cache/z", "d/node_modules/m", "node_modules/n", "top"],
    ],
    ["an exclude at any depth", ["."], ["**/node_modules", "a/*/f", "s*", "**/cache/*"], ["a/g", "top"]],
    ["some paths", ["a/b[1]", "top"], [], ["a/b[1]/f", "top"]],
    ["a path with a wildcard in its name", ["st*r"], [], ["st*r/f"]],
    ["a file, and a path with an exclude in it", ["a/b/f", "d"], ["d/cache"], ["a/b/f", "d/node_modules/m"]],
  ])("%s", (_name, paths, exclude, expected) => {
    const [source, mirror] = [join(root, "source"), join(root, "mirror")];
    for (const file of files) {
      mkdirSync(dirname(join(source, file)), { recursive: true });
      writeFileSync(join(source, file), "");
    }
    // What was selected before and is no longer, must go.
    mkdirSync(join(mirror, "stale"), { recursive: true });
    writeFileSync(join(mirror, "stale", "f"), "");
    const [program, ...args] = argvMirror(mirror, { paths, exclude }, { acls: true, xattrs: true });
    const { files: counted } = parseStats(run(program, args, { cwd: source })) ?? {};
    const found = run("find", [".", "-type", "f", "-printf", "%P\n"], { cwd: mirror }).trim().split("\n").toSorted();
    expect(found).toEqual(expected.toSorted());
    expect(counted).toBe(expected.length);
  });
});

describe("what rsync says", () => {
  test("names the file that it could not read", () => {
    const said =
      'rsync: [sender] send_files failed to open "/v/uploads/a "b".txt": Permission denied (13)\nrsync error: some files/attrs were not transferred (code 23)\n';
    expect(firstUnreadable(said)).toBe('/v/uploads/a "b".txt: Permission denied');
    expect(
      firstUnreadable('rsync: [receiver] mkstemp "/store/x" failed: No space left on device (28)\n'),
    ).toBeUndefined();
  });

  test("a file that becomes shorter while it is read is not one that cannot be read", () => {
    const said = [
      'rsync: [sender] read errors mapping "/v/uploads/app.log": No data available (61)',
      "WARNING: app.log failed verification -- update retained (will try again).",
      'rsync: [sender] read errors mapping "/v/uploads/app.log": No data available (61)',
      "ERROR: app.log failed verification -- update retained.",
    ];
    expect([firstUnreadable(said.join("\n")), changedFiles(said.join("\n"))]).toEqual([undefined, ["app.log"]]);
    const broken = 'rsync: [sender] read errors mapping "/v/uploads/disk": Input/output error (5)';
    expect(firstUnreadable([...said, broken].join("\n"))).toBe("/v/uploads/disk: Input/output error");
  });

  test("a path that is too long is named, by its beginning", () => {
    const said = `filename overflows max-path len by 35: ${"d/".repeat(2000)}leaf\nrsync error: some files/attrs were not transferred (code 23)`;
    expect(firstUnreadable(said)).toBe(
      `${"d/".repeat(100)}…: the path is longer than a system call takes, 4,096 bytes`,
    );
  });

  test("is not guessed when it is of another form", () => {
    expect(parseStats("Number of files: many")).toBeUndefined();
  });
});

describe("the PostgreSQL client", () => {
  test.each([
    [15, [15, 17], 15],
    [16, [15, 17, 18], 17],
    [18, [15, 17], undefined],
    [15, [], undefined],
  ])("for server %i of %j is %s", (server, clients, expected) => {
    expect(chooseClient(server, clients)).toBe(expected);
  });

  test("holds its locks when it goes on after reading the tables, and not before", () => {
    let held = 0;
    const watch = createLockWatch(() => (held += 1));
    for (const line of [
      "pg_dump: reading extensions",
      "pg_dump: reading schemas",
      "pg_dump: reading user-defined tables",
      "pg_dump: error: query failed",
      "pg_dump: detail: Query was: LOCK TABLE",
    ])
      watch(line);
    expect(held).toBe(0);
    watch("pg_dump: reading user-defined functions");
    watch("pg_dump: reading user-defined types");
    expect(held).toBe(1);
  });
});

describe("a result", () => {
  test("fits into a termination message and is still a result", () => {
    const why = "é".repeat(100);
    const entry = (index: number): { id: string; why: string } => ({ id: `${index}`.padStart(6, "0"), why });
    const location = { name: "source", uuid: "u", generations: 40, verified: 40, bytes: 1, freeBytes: 1 };
    const many = Array.from({ length: 20 }, (_, index) => entry(index));
    const result: MoverResult = {
      version: 1,
      ok: true,
      step: "prune",
      location,
      settled: [],
      pending: 0,
      removed: many,
      kept: many.map(({ id, why: reason }) => ({ why: reason, since: 1, ranges: id })),
    };
    const text = encodeResult(result);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
    expect(parseResult(text)).toMatchObject({ step: "prune", location, removed: expect.arrayContaining([entry(0)]) });
    const failure = encodeResult({
      version: 1,
      ok: false,
      step: "dump",
      code: "HO-D306",
      message: "\u0000".repeat(1000),
      retry: false,
    });
    expect(Buffer.byteLength(failure)).toBeLessThanOrEqual(4096);
    expect(parseResult(failure)).toMatchObject({ code: "HO-D306" });
  });

  test("of a plan never loses the parts that will be restored", () => {
    const names = Array.from({ length: 16 }, (_, index) => `${index}`.padStart(32, "x"));
    const plan: MoverResult = {
      version: 1,
      ok: true,
      step: "plan",
      id: "000042-20261121T010203Z-full",
      location: "x".repeat(32),
      sealedAt: "2026-11-21T01:02:03.456Z",
      manifestSHA256: "f".repeat(64),
      bytes: Number.MAX_SAFE_INTEGER,
      databases: names,
      volumes: names,
      replaces: names.map(() => "é".repeat(100)),
      warnings: names.slice(8).map(() => "é".repeat(200)),
    };
    expect(parseResult(encodeResult(plan))).toMatchObject({ databases: names, volumes: names });
  });
});
