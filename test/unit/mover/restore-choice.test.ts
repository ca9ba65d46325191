/** Which generation a request means, with hourly generations of databases between the nightly full ones. */
import { describe, expect, test } from "@jest/globals";
import type { TaskOf } from "../../../operator/contract/task.ts";
import { formatGenerationId } from "../../../operator/domain/generation.ts";
import type { DatabasePart, VolumePart } from "../../../operator/domain/manifest.ts";
import { chooseCopies } from "../../../operator/mover/restore/choice.ts";
import type { Copy } from "../../../operator/mover/restore/copies.ts";
import { type Asked } from "../../../operator/mover/restore/parts.ts";

const databases = [{ name: "shop", host: "db", port: 5432, database: "shop", release: "AfterSnapshot" as const }];
const volume = (name: string): Asked["volumes"][number] => ({ name, claimName: name, paths: ["."], exclude: [] });
const everything: Asked = { databases, volumes: [volume("uploads")] };

const time = (seq: number): string => `2026-11-21T0${seq}:00:00Z`;
const id = (seq: number, type: "Full" | "Database"): string => formatGenerationId(seq, time(seq), type);
function copy(seq: number, type: "Full" | "Database", change: Partial<Copy> = {}): Copy {
  const manifest = {
    id: id(seq, type),
    time: time(seq),
    databases: [{ name: "shop" } as DatabasePart],
    volumes: type === "Full" ? [{ name: "uploads" } as VolumePart] : [],
  };
  const generation = { id: manifest.id, seq, path: "", manifestSHA256: "", manifest } as Copy["generation"];
  return { location: "source", generation, members: [], verified: true, ...change };
}
/** A full one at 1 and at 4, the others of databases. */
const copies = [copy(1, "Full"), copy(2, "Database"), copy(3, "Database"), copy(4, "Full"), copy(5, "Database")];
const chosen = (from: TaskOf<"plan">["from"], asked = everything, among: readonly Copy[] = copies): unknown => {
  const { copies: found, newer } = chooseCopies(among, from, asked);
  return [found[0].generation.id, newer];
};

describe("latest and before take the newest generation that has all that is asked for", () => {
  const newer = `generation ${id(5, "Database")} is newer, but has no volume uploads`;
  test.each<{ name: string; from: TaskOf<"plan">["from"]; asked: Asked; id: string; newer: string | undefined }>([
    { name: "latest of everything", from: { latest: true }, asked: everything, id: id(4, "Full"), newer },
    {
      name: "latest of the databases",
      from: { latest: true },
      asked: { databases, volumes: [] },
      id: id(5, "Database"),
      newer: undefined,
    },
    {
      name: "before, of everything",
      from: { before: time(3) },
      asked: everything,
      id: id(1, "Full"),
      newer: `generation ${id(3, "Database")} is newer, but has no volume uploads`,
    },
    { name: "before, a full one", from: { before: time(4) }, asked: everything, id: id(4, "Full"), newer: undefined },
  ])("$name", ({ from, asked, id: expected, newer: warned }) => {
    expect(chosen(from, asked)).toEqual([expected, warned]);
  });

  test("one that is not verified does not count", () => {
    const among = copies.map((one) => (one.generation.seq === 4 ? { ...one, verified: false } : one));
    expect(chosen({ latest: true }, everything, among)).toEqual([id(1, "Full"), newer]);
  });
  test("none has everything: the newest one, what it lacks, and the include that it can satisfy", () => {
    const asked = { databases, volumes: [volume("uploads"), volume("attic")] };
    expect(() => chosen({ latest: true }, asked)).toThrow(
      expect.objectContaining({
        code: "HO-R805",
        message: `no verified generation has all that is to be restored; the newest, ${id(5, "Database")}, has no volume uploads and no volume attic; with include: {databases: [shop]} it can be taken`,
      }),
    );
  });
  test("none that matches has any of it", () => {
    expect(() => chosen({ latest: true }, { databases: [], volumes: [volume("attic")] })).toThrow(
      `the newest, ${id(5, "Database")}, has no volume attic; it has database shop`,
    );
  });
});

test("a generation that is named is the one, whatever it has", () => {
  expect(chosen({ generation: "000003" })).toEqual([id(3, "Database"), undefined]);
});
