/** RESTORE.md: its commands are those of this generation, and can be pasted. */
import { describe, expect, test } from "@jest/globals";
import type { Manifest } from "../../../operator/domain/manifest.ts";
import { restoreGuide } from "../../../operator/mover/store/restore-script.ts";

type Part<K extends "databases" | "volumes"> = Manifest[K][number];
const database = (name: string, of: string): Part<"databases"> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the guide tells of it
  ({ name, database: of, serverVersion: "17.2", tables: [] }) as unknown as Part<"databases">;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the guide tells of it
const uploads = {
  archive: "volumes/uploads.tar.zst",
  claimName: "up",
  files: 1,
  bytes: 2,
} as unknown as Part<"volumes">;
const guide = (change: Partial<Manifest>): string =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the guide tells of it
  restoreGuide({
    id: "000003-20261121T010203Z-full",
    type: "Full",
    time: "2026-11-21T01:02:03Z",
    consistency: "Quiesced",
    lineage: { namespace: "demo", policy: "wiki" },
    chain: [],
    databases: [],
    volumes: [uploads],
    ...change,
  } as unknown as Manifest);

describe("the commands of RESTORE.md", () => {
  test.each<[string, Partial<Manifest>, readonly string[]]>([
    [
      "of a database",
      { databases: [database("main", "wikidb")] },
      ["createdb --template=template0 wikidb && sh restore.sh --database postgresql:///wikidb"],
    ],
    [
      "of two",
      { databases: [database("main", "wikidb"), database("log", "logdb")] },
      ["--database main=postgresql:///wikidb\n", "--database log=postgresql:///logdb\n"],
    ],
    [
      "of a name that a shell would take apart",
      { databases: [database("main", "a;b $c")] },
      ["template0 NAME && sh restore.sh --database postgresql:///NAME"],
    ],
  ])("%s", (_what, change, commands) => {
    const text = guide(change);
    for (const command of commands) expect(text).toContain(command);
    expect(text).not.toContain("shop");
  });
  test("without a database there is none to make, without a volume none to extract", () => {
    expect(guide({})).not.toContain("createdb");
    expect(guide({})).toContain("sh restore.sh --to ");
    expect(guide({ volumes: [], databases: [database("main", "wikidb")] })).not.toContain("--to /some");
  });
  test("of a chain: --to walks it by itself", () => {
    const text = "`--to` walks the chain by itself";
    expect(guide({ chain: [{ id: "000002-20261120T010203Z-full", manifestSHA256: "a".repeat(64) }] })).toContain(text);
    expect(guide({})).not.toContain(text);
  });
});
