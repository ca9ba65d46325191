/** What the preflight says of a base, judged; and what movers, status and people get of the one that is on record. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, RunStatus } from "../../../operator/api/kinds.ts";
import type { ResultOf } from "../../../operator/contract/result.ts";
import { baseEvents, baseOf, judgeBase, madeType, tellFull } from "../../../operator/decide/base.ts";
import type { GenerationType } from "../../../operator/domain/generation.ts";
import { aRun } from "../../support/builders.ts";

const full = "000001-20261120T010000Z-full";
const increment = "000002-20261120T020000Z-incremental";
const dump = "000003-20261120T030000Z-database";
const digest = "0123456789abcdef".repeat(4);

describe("of what the preflight says", () => {
  type Base = ResultOf<"preflight">["base"];
  const judge = (asked: GenerationType, base: Base): ReturnType<typeof judgeBase> =>
    judgeBase(asked, { ...preflight, ...(base === undefined ? {} : { base }) });
  const preflight: ResultOf<"preflight"> = {
    version: 1,
    ok: true,
    step: "preflight",
    lastSeq: 3,
    locations: [],
    pending: 0,
    bytes: 0,
    files: 0,
    databases: [],
    warnings: [],
  };
  const of = (id: string, manifestSHA256 = digest): Base => ({ id, manifestSHA256 });

  test.each<[GenerationType, string, Base]>([
    ["Incremental", "the full one", of(full)],
    ["Incremental", "another incremental one", of(increment)],
    ["Incremental", "the newest of all", of("000003-20261120T030000Z-incremental")],
    ["Differential", "the full one", of(full)],
  ])("%s: %s is taken, with its digest", (asked, _what, base) => {
    expect(judge(asked, base)).toEqual({
      base: { generation: (base as { id: string }).id, manifestSHA256: digest },
    });
  });
  test.each<[GenerationType, string, Base, string]>([
    ["Incremental", "nothing", undefined, "the preflight did not say what the Incremental generation is based on"],
    ["Incremental", "a dump", of(dump), `"${dump}" is nothing that`],
    ["Differential", "an incremental one", of(increment), `"${increment}" is nothing that`],
    ["Incremental", "what is no id", of("../000001"), '"../000001" is nothing that'],
    ["Incremental", "a type of a newer release", of("000001-20261120T010000Z-delta"), "is nothing that"],
    ["Incremental", "one from the future", of("000004-20261120T010000Z-full"), "is newer than the newest generation"],
    ["Incremental", "a digest that is none", of(full, "x".repeat(64)), `the digest of ${full} is none`],
    ["Incremental", "a digest that is too long", of(full, `${digest}0`), `the digest of ${full} is none`],
    ["Incremental", "a digest behind a text", of(full, `x${digest}`), `the digest of ${full} is none`],
  ])("%s: %s is refused", (asked, _what, base, says) => {
    expect(judge(asked, base)).toEqual({ trouble: expect.stringContaining(says) });
  });
  test("a reason for a full one is taken, also when it is empty", () => {
    expect(judge("Incremental", { full: "no full one yet" })).toEqual({ base: { full: "no full one yet" } });
    expect(judge("Incremental", { full: "" })).toEqual({ base: { full: "the preflight gave no reason" } });
  });
  test.each(["Full", "Database", "Config"] as const)("%s needs none, whatever is said", (asked) => {
    expect(judge(asked, of(full))).toEqual({});
    expect(judge(asked, undefined)).toEqual({});
  });
});

describe("of what is on record", () => {
  const based: RunStatus["base"] = { generation: full, manifestSHA256: digest };
  const run = (type: GenerationType, base?: RunStatus["base"]): BackupRun =>
    aRun()
      .of(type)
      .status(base === undefined ? {} : { base })
      .build();
  const instead = { full: "no full one yet" };

  test.each<[string, BackupRun, object | undefined, GenerationType]>([
    ["a base", run("Incremental", based), { id: full, manifestSHA256: digest }, "Incremental"],
    ["nothing", run("Incremental"), undefined, "Full"],
    ["nothing, not even a status", aRun().of("Incremental").build(), undefined, "Full"],
    ["a reason for a full one", run("Differential", instead), undefined, "Full"],
    ["a base without its digest", run("Incremental", { generation: full }), undefined, "Full"],
    ["a digest of nothing", run("Incremental", { manifestSHA256: digest }), undefined, "Full"],
    ["a base that is not asked for", run("Database", based), undefined, "Database"],
  ])("%s: decides what the movers get and what is made", (_what, of, base, made) => {
    expect(baseOf(of)).toEqual(base);
    expect(madeType(of)).toBe(made);
  });

  test("people are told of a full one, and nothing otherwise", () => {
    expect(tellFull(run("Incremental", instead))).toBe("Full instead of Incremental: no full one yet");
    for (const one of [run("Incremental", based), run("Incremental"), aRun().build()]) expect(tellFull(one)).toBe("");
  });
  test("once, when it is decided", () => {
    const after: RunStatus = { base: instead };
    const event = { type: "Normal", reason: "FullInstead", message: "Full instead of Incremental: no full one yet" };
    expect(baseEvents(aRun().of("Incremental").build(), after)).toEqual([event]);
    expect(baseEvents(run("Incremental"), after)).toEqual([event]);
    expect(baseEvents(run("Incremental", instead), after)).toEqual([]);
    expect(baseEvents(run("Incremental"), { base: based })).toEqual([]);
  });
});
