/** A copy counts with its whole chain or not at all. */
import { describe, expect, test } from "@jest/globals";
import { isWhole, membersOf } from "../../../operator/mover/store/chains.ts";
import type { GenerationEntry } from "../../../operator/mover/store/listing.ts";
import type { Marker, VerifyMode } from "../../../operator/mover/store/markers.ts";

const entry = (id: string, chain: readonly string[]): GenerationEntry =>
  ({
    id,
    seq: 1,
    path: "",
    manifestSHA256: `digest of ${id}`,
    manifest: { chain: chain.map((member) => ({ id: member, manifestSHA256: `digest of ${member}` })) },
  }) as unknown as GenerationEntry;
const full = entry("full", []);
const middle = entry("middle", ["full"]);
const newest = entry("newest", ["full", "middle"]);
const all = [newest, full, middle];
const markers = (modes: Readonly<Record<string, VerifyMode>>): ReadonlyMap<string, Marker> =>
  new Map(
    Object.entries(modes).map(([id, mode]) => [
      id,
      { format: 1, id, manifestSHA256: `digest of ${id}`, mode, verifiedAt: "2026-11-29T00:00:00Z" },
    ]),
  );

describe("a chain", () => {
  test("is named oldest first", () => {
    expect(membersOf(newest, all)).toEqual([full, middle]);
    expect(membersOf(full, all)).toEqual([]);
  });

  test("with a gap, or with another generation of the same id, is none", () => {
    expect(membersOf(newest, [full, newest])).toContain("middle, which newest is based on, is not there");
    const other = { ...middle, manifestSHA256: "another" };
    expect(membersOf(newest, [full, other, newest])).toContain("is not the one that newest is based on");
  });

  test.each<{ name: string; modes: Readonly<Record<string, VerifyMode>>; mode: VerifyMode; whole: boolean }>([
    { name: "all verified", modes: { full: "Full", middle: "Full", newest: "Full" }, mode: "Full", whole: true },
    { name: "a base without a marker", modes: { full: "Full", newest: "Full" }, mode: "None", whole: false },
    {
      name: "a base verified by less",
      modes: { full: "Sample", middle: "Full", newest: "Full" },
      mode: "Full",
      whole: false,
    },
    {
      name: "a base verified by enough",
      modes: { full: "Sample", middle: "Full", newest: "Full" },
      mode: "Sample",
      whole: true,
    },
    { name: "itself without a marker", modes: { full: "Full", middle: "Full" }, mode: "None", whole: false },
  ])("$name", ({ modes, mode, whole }) => {
    expect(isWhole(newest, all, markers(modes), mode)).toBe(whole);
  });
});
