/** Ids of generations: what is written is read, they sort by number, and nothing else is taken for one. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  formatGenerationId,
  generationTypes,
  parseGenerationId,
  timeOf,
  typeOf,
} from "../../../operator/domain/generation.ts";
import { formatInstant } from "../../../operator/domain/instant.ts";

const seqs = fc.integer({ min: 1, max: 999_999 });
const times = fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(2100, 0) }).map(formatInstant);
const types = fc.constantFrom(...generationTypes);

describe("the id of a generation", () => {
  test("has its number, its time and its type", () => {
    expect(formatGenerationId(42, "2026-11-21T01:02:03.456Z", "Full")).toBe("000042-20261121T010203Z-full");
    expect(formatGenerationId(1, "2026-11-21T01:02:03Z", "Database")).toBe("000001-20261121T010203Z-database");
  });
  test("is read as it was written", () => {
    fc.assert(
      fc.property(seqs, times, types, (seq, time, type) => {
        const label = `${time.slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
        expect(parseGenerationId(formatGenerationId(seq, time, type))).toEqual({
          seq,
          label,
          type: type.toLowerCase(),
        });
        const id = formatGenerationId(seq, time, type);
        expect([typeOf(id), timeOf(id)]).toEqual([type, `${time.slice(0, 19)}Z`]);
      }),
    );
  });
  test("sorts by number, whatever the clock said", () => {
    fc.assert(
      fc.property(seqs, seqs, times, times, types, (a, b, then, now, type) => {
        fc.pre(a < b);
        expect(formatGenerationId(a, then, type) < formatGenerationId(b, now, type)).toBe(true);
      }),
    );
  });
  test.each([
    "",
    "lost+found",
    "42-20261121T010203Z-full",
    "0000042-20261121T010203Z-full",
    "000042-20261121T010203-full",
    "000042-20261121T010203Z",
    "000042-20261121T010203Z-",
    "000042-20261121T010203Z-FULL",
    "000042-20261121T010203Z-full.partial",
    "000042-20261121T010203Z-full\n",
    "../000042-20261121T010203Z-full",
    ".000042-20261121T010203Z-full",
  ])("%p is none", (name) => {
    expect([parseGenerationId(name), typeOf(name), timeOf(name)]).toEqual([undefined, undefined, undefined]);
  });
  test("of a type of a newer release is one, of no type that is known", () => {
    expect(parseGenerationId("000042-20261121T010203Z-delta")).toMatchObject({ seq: 42, type: "delta" });
    expect(typeOf("000042-20261121T010203Z-delta")).toBeUndefined();
  });
});
