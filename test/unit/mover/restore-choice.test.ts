/** Which generation a request means, with hourly generations of databases between the nightly full ones. */
import { describe, expect, test } from "@jest/globals";
import type { TaskOf } from "../../../operator/contract/task.ts";
import { formatGenerationId } from "../../../operator/domain/generation.ts";
import type { DatabasePart, VolumePart } from "../../../operator/domain/manifest.ts";
import { chooseCopies } from "../../../operator/mover/restore/choice.ts";
import type { Copies, Copy } from "../../../operator/mover/restore/copies.ts";
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
const chosen = (
  from: TaskOf<"plan">["from"],
  asked = everything,
  among: readonly Copy[] = copies,
  unread: Copies["unread"] = [],
): unknown => {
  const { copies: found, newer } = chooseCopies({ copies: among, unread }, from, asked);
  return [found[0].generation.id, ...newer];
};

describe("latest and before take the newest generation that has all that is asked for", () => {
  const newer = `generation ${id(5, "Database")} is newer, but has no volume uploads`;
  test.each<{ name: string; from: TaskOf<"plan">["from"]; asked: Asked; id: string; newer: readonly string[] }>([
    { name: "latest of everything", from: { latest: true }, asked: everything, id: id(4, "Full"), newer: [newer] },
    {
      name: "latest of the databases",
      from: { latest: true },
      asked: { databases, volumes: [] },
      id: id(5, "Database"),
      newer: [],
    },
    {
      name: "before, of everything",
      from: { before: time(3) },
      asked: everything,
      id: id(1, "Full"),
      newer: [`generation ${id(3, "Database")} is newer, but has no volume uploads`],
    },
    { name: "before, a full one", from: { before: time(4) }, asked: everything, id: id(4, "Full"), newer: [] },
  ])("$name", ({ from, asked, id: expected, newer: warned }) => {
    expect(chosen(from, asked)).toEqual([expected, ...warned]);
  });

  test("one that is not verified does not count, and is told of", () => {
    const among = copies.map((one) => (one.generation.seq === 4 ? { ...one, verified: false } : one));
    const told = `generation ${id(4, "Full")} is newer, but at source it, or one that it is based on, is not verified there`;
    expect(chosen({ latest: true }, everything, among)).toEqual([id(1, "Full"), newer, told]);
    expect(chosen({ before: time(3) }, everything, among)).toHaveLength(2);
    // Where there is a good copy of it, that one is taken.
    const both = [...among, copy(4, "Full", { location: "vault" })];
    expect(chosen({ latest: true }, everything, both)).toEqual([id(4, "Full"), newer]);
    const lost = copies.map((one) =>
      one.generation.seq === 4 ? { ...one, verified: false, members: "generation 000003 is not there" } : one,
    );
    expect(chosen({ latest: true }, everything, lost)).toContain(
      `generation ${id(4, "Full")} is newer, but at source generation 000003 is not there`,
    );
  });
  test("one that cannot be read is told of where it may have been meant", () => {
    const unread = (seq: number): Copies["unread"] => [
      { name: id(seq, "Full"), location: "vault", why: "no manifest" },
    ];
    const told = `generation ${id(6, "Full")} is newer, but cannot be read at vault: no manifest`;
    expect(chosen({ latest: true }, everything, copies, unread(6))).toEqual([id(4, "Full"), newer, told]);
    expect(chosen({ before: time(6) }, everything, copies, unread(6))).toContain(told);
    expect(chosen({ before: time(5) }, everything, copies, unread(6))).toEqual([id(4, "Full"), newer]);
    expect(chosen({ latest: true }, everything, copies, unread(2))).toEqual([id(4, "Full"), newer]);
    expect(chosen({ latest: true }, everything, copies, unread(4))).toEqual([id(4, "Full"), newer]);
    expect(() => chosen({ generation: "000006" }, everything, copies, unread(6))).toThrow(
      `generation ${id(6, "Full")} cannot be read at vault: no manifest`,
    );
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
  expect(chosen({ generation: "000003" })).toEqual([id(3, "Database")]);
});
