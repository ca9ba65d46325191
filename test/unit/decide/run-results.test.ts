/** What a run takes on record of the results of a step, and which of them it does not believe. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { MoverSuccess, ResultOf } from "../../../operator/contract/result.ts";
import type { RunDraft } from "../../../operator/decide/run-observation.ts";
import { takeResults } from "../../../operator/decide/run-results.ts";
import type { GenerationType } from "../../../operator/domain/generation.ts";
import { aRun, anApp, at, settings } from "../../support/builders.ts";

const digest = "0123456789abcdef".repeat(4);
const full = "000001-20261120T010000Z-full";
const ok = { version: 1, ok: true } as const;

interface Taken {
  readonly status: RunStatus;
  readonly step: StepRecord | undefined;
}
function take(
  name: string,
  result: MoverSuccess | undefined,
  {
    type = "Full",
    status = {},
    others = [],
  }: { type?: GenerationType; status?: RunStatus; others?: readonly string[] } = {},
): Taken {
  const step: StepRecord = { name, state: "Done", attempt: 1 };
  const steps = [...others.map((other): StepRecord => ({ name: other, state: "Done" })), step];
  const draft: RunDraft = { status, steps: new Map(steps.map((one) => [one.name, one])), actions: [], waits: [] };
  const run: BackupRun = aRun().of(type).created("2026-11-21T01:00:00Z").build();
  const seen = { run, policy: undefined, siblings: [], restores: [], app: anApp(), jobs: new Map(), settings };
  takeResults(step, result === undefined ? [] : [result], { seen, draft, now: at("02:00") });
  return { status: draft.status, step: draft.steps.get(name) };
}

describe("of the preflight", () => {
  const preflight = (base?: ResultOf<"preflight">["base"]): MoverSuccess => ({
    ...ok,
    step: "preflight",
    lastSeq: 6,
    locations: [],
    pending: 0,
    bytes: 0,
    files: 0,
    databases: [],
    warnings: [],
    ...(base === undefined ? {} : { base }),
  });
  test("the next number, which is never chosen again", () => {
    expect(take("Preflight", preflight()).status).toEqual({ seq: 7 });
    expect(take("Preflight", preflight(), { status: { seq: 5 } }).status).toEqual({ seq: 5 });
  });
  test("the base that it is asked for, and no other", () => {
    const base = { id: full, manifestSHA256: digest };
    expect(take("Preflight", preflight(base), { type: "Incremental" })).toMatchObject({
      status: { seq: 7, base: { generation: full, manifestSHA256: digest } },
      step: { state: "Done" },
    });
    expect(take("Preflight", preflight(base)).status).toEqual({ seq: 7 });
  });
  test("a base that cannot be one fails it", () => {
    const base = { id: "000009-20261120T010000Z-full", manifestSHA256: digest };
    const { status, step } = take("Preflight", preflight(base), { type: "Incremental" });
    expect(status).not.toHaveProperty("base");
    expect(step).toMatchObject({ state: "Failed", code: "HO-P116", finishedAt: "2026-11-21T02:00:00.000Z" });
  });
});

describe("of a look at the configuration", () => {
  const config = "000004-20261120T010000Z-config";
  const collect = (unchanged?: string): MoverSuccess => ({
    ...ok,
    step: "collect",
    files: 4,
    objects: 2,
    bytes: 100,
    ...(unchanged === undefined ? {} : { unchanged }),
  });
  const status: RunStatus = { seq: 5, copies: [{ location: "source", state: "Missing", required: true }] };
  test("that found no change: which generation has it, and that no copy has to get anywhere", () => {
    const taken = take("Capture", collect(config), { type: "Config", status });
    expect(taken.status).toEqual({ seq: 5, unchanged: config, copies: [] });
    expect(taken.step?.state).toBe("Done");
  });
  test("that found one: nothing", () => {
    expect(take("Capture", collect(), { type: "Config", status }).status).toEqual(status);
    expect(take("Capture", undefined, { type: "Config", status }).status).toEqual(status);
  });
  test.each([full, "nothing"])("that compares with %s is not believed", (unchanged) => {
    const taken = take("Capture", collect(unchanged), { type: "Config", status });
    expect(taken.status).toEqual(status);
    expect(taken.step).toMatchObject({ state: "Failed", code: "HO-A407" });
  });
  test("that nobody has asked for is none", () => {
    expect(take("Capture", collect(config), { status })).toMatchObject({ status, step: { state: "Done" } });
  });
});

describe("of the seal", () => {
  const seal = (id: string): MoverSuccess => ({
    ...ok,
    step: "seal",
    id,
    manifestSHA256: digest,
    bytes: 1_000,
    storedBytes: 600,
    files: 10,
    tables: 3,
    peakMiB: 9,
  });
  const based: RunStatus = { seq: 7, base: { generation: full, manifestSHA256: digest } };
  test.each<[GenerationType, RunStatus, readonly string[], string, object]>([
    ["Full", { seq: 7 }, ["Quiesce"], "full", { type: "Full", parent: "", consistency: "Quiesced" }],
    ["Full", { seq: 7 }, [], "full", { type: "Full", parent: "", consistency: "Running" }],
    ["Incremental", based, ["Quiesce"], "incremental", { type: "Incremental", parent: full, consistency: "Quiesced" }],
    [
      "Incremental",
      { seq: 7, base: { full: "there is no full one" } },
      ["Quiesce"],
      "full",
      { type: "Full", parent: "", consistency: "Quiesced" },
    ],
  ])("%s of %j, after %j: the generation as what it is", (type, status, others, ending, expected) => {
    const id = `000007-20261121T010000Z-${ending}`;
    const taken = take("Seal", seal(id), { type, status, others });
    expect(taken.status.generation).toEqual({
      id,
      ...expected,
      sealedAt: "2026-11-21T02:00:00.000Z",
      bytes: 1_000,
      storedBytes: 600,
      files: 10,
      tables: 3,
      manifestSHA256: digest,
    });
    expect(taken.step?.state).toBe("Done");
  });
  test("that made another generation than it was asked for fails", () => {
    const { status, step } = take("Seal", seal("000009-20261121T010000Z-full"), { status: { seq: 7 } });
    expect(status.generation).toBeUndefined();
    expect(step).toMatchObject({ state: "Failed", code: "HO-A406" });
    expect(step?.message).toContain("reports 000009-20261121T010000Z-full");
  });
});

test("a step that was carried out without doing what it is for keeps the reason", () => {
  const location = { name: "vault", uuid: "u", generations: 1, verified: 1, bytes: 1, freeBytes: 1 };
  const refused = "HO-K702: the newest generation is gone";
  const prune = { ...ok, step: "prune" as const, location, settled: [], pending: 0, removed: [], kept: [] };
  expect(take("Prune/vault", { ...prune, refused }).step).toMatchObject({ state: "Done", code: "HO-K702" });
  expect(take("Prune/vault", prune).step).not.toHaveProperty("code");
});
