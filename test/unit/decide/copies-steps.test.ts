/** What one more step does to one copy: from where it goes on, with which code, and what says nothing of it; and which copies count. */
import { describe, expect, test } from "@jest/globals";
import type { RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { MoverSuccess, ResultOf } from "../../../operator/contract/result.ts";
import { counts, updateCopies } from "../../../operator/decide/copies.ts";
import { aPolicy, aRun, doneStep, sink } from "../../support/builders.ts";

type Copy = NonNullable<RunStatus["copies"]>[number];

const id = "000003-20261121T010000Z-full";
const another = "000009-20261121T010000Z-full";
const ok = { version: 1, ok: true } as const;
const time = (hour: number): string => `2026-11-21T0${hour}:00:00.000Z`;
const verify = (change: Partial<ResultOf<"verify">>): MoverSuccess => ({
  ...ok,
  step: "verify",
  verified: [],
  damaged: [],
  bytes: 1,
  seconds: 1,
  ...change,
});
const prune = (change: Partial<ResultOf<"prune">>): MoverSuccess => ({
  ...ok,
  step: "prune",
  settled: [],
  pending: 0,
  removed: [],
  kept: [],
  location: { name: "vault", uuid: "u", generations: 1, verified: 1, bytes: 1, freeBytes: 1 },
  ...change,
});
const transport = (...delivered: readonly string[]): MoverSuccess => ({
  ...ok,
  step: "transport",
  bytes: 1,
  seconds: 1,
  delivered: [...delivered],
});
const failed = (name: string, code?: StepRecord["code"]): StepRecord => ({
  name,
  state: "Failed",
  finishedAt: time(4),
  ...(code === undefined ? {} : { code }),
});
const known = (state: Copy["state"], change: Partial<Copy> = {}): Copy => ({
  location: "vault",
  state,
  required: true,
  time: time(2),
  ...change,
});
/** What becomes of a copy, after steps of the run itself. */
const after = (copy: Copy, ...steps: readonly StepRecord[]): Copy | undefined =>
  updateCopies({ generation: { id }, copies: [copy], steps }).copies?.[0];

describe("a copy goes on", () => {
  const at4 = { time: time(4) };
  test.each<[string, Copy, StepRecord, Partial<Copy>]>([
    [
      "brought over",
      known("Missing"),
      doneStep("Transport/vault", time(4), transport(id)),
      { state: "Stored", ...at4 },
    ],
    [
      "brought over, as the sink had it before",
      known("Missing"),
      doneStep("Transport/vault", time(4), transport()),
      { state: "Stored", ...at4 },
    ],
    [
      "verified",
      known("Stored"),
      doneStep("Verify/vault", time(4), verify({ verified: [id] })),
      { state: "Verified", ...at4 },
    ],
    [
      "damaged",
      known("Verified"),
      doneStep("Verify/vault", time(4), verify({ damaged: [id] })),
      { state: "Damaged", code: "HO-V601", ...at4 },
    ],
    [
      "found whole on something that is not",
      known("Verified"),
      doneStep("Verify/vault", time(4), verify({ sequences: { since: 3, ranges: "4-9" } })),
      { state: "Stored", code: "HO-V603", ...at4 },
    ],
    [
      "not found by the source",
      known("Verified"),
      doneStep(
        "Prune/source",
        time(4),
        prune({
          lacking: [
            { id: another, sink: "vault" },
            { id, sink: "vault" },
          ],
        }),
      ),
      { state: "Missing", code: "HO-V602", ...at4 },
    ],
    [
      "pruned",
      known("Verified"),
      doneStep(
        "Prune/vault",
        time(4),
        prune({
          removed: [
            { id: another, why: "" },
            { id, why: "" },
          ],
        }),
      ),
      { state: "Pruned", ...at4 },
    ],
    [
      "not brought over, with the reason",
      known("Missing"),
      failed("Transport/vault", "HO-T501"),
      { state: "Missing", code: "HO-T501" },
    ],
    [
      "not verified, with the reason",
      known("Stored"),
      failed("Verify/vault", "HO-V602"),
      { state: "Stored", code: "HO-V602" },
    ],
  ])("%s", (_name, copy, step, expected) => {
    expect(after(copy, step)).toStrictEqual({ ...copy, ...expected });
  });
  test("and loses the code of what it was before", () => {
    const copy = known("Missing", { code: "HO-T501" });
    expect(after(copy, doneStep("Transport/vault", time(4), transport(id)))).toStrictEqual(known("Stored", at4));
  });
  test.each<[string, Copy, StepRecord]>([
    [
      "verified again: since when it was",
      known("Verified"),
      doneStep("Verify/vault", time(4), verify({ verified: [id] })),
    ],
    ["brought over again", known("Verified"), doneStep("Transport/vault", time(4), transport(id))],
    ["a check before it was there", known("Missing"), doneStep("Verify/vault", time(4), verify({}))],
    [
      "a check of numbers, before it was verified",
      known("Stored"),
      doneStep("Verify/vault", time(4), verify({ sequences: { since: 1, ranges: "4-9" } })),
    ],
    [
      "a check of numbers that does not find what was never there",
      known("Missing"),
      doneStep("Verify/vault", time(4), verify({ sequences: { since: 1, ranges: "4-9" } })),
    ],
    [
      "a check of newer numbers",
      known("Verified"),
      doneStep("Verify/vault", time(4), verify({ sequences: { since: 4, ranges: "5-9" } })),
    ],
    [
      "what another sink lacks",
      known("Verified"),
      doneStep("Prune/source", time(4), prune({ lacking: [{ id, sink: "attic" }] })),
    ],
    [
      "what a sink lacks, as a sink says",
      known("Verified"),
      doneStep("Prune/attic", time(4), prune({ lacking: [{ id, sink: "vault" }] })),
    ],
    [
      "what the source lacks, when its prune did not end well",
      known("Verified"),
      { ...doneStep("Prune/source", time(4), prune({ lacking: [{ id, sink: "vault" }] })), state: "Failed" },
    ],
    [
      "another one that was pruned",
      known("Verified"),
      doneStep("Prune/vault", time(4), prune({ removed: [{ id: another, why: "" }] })),
    ],
    ["a failure without a reason", known("Missing"), failed("Transport/vault")],
    ["a failure to bring over what is there", known("Stored"), failed("Transport/vault", "HO-T501")],
    ["a failure to check what is not there", known("Missing"), failed("Verify/vault", "HO-V602")],
    ["a failure to check what was verified", known("Verified"), failed("Verify/vault", "HO-V602")],
    ["a failure to prune", known("Missing"), failed("Prune/vault", "HO-K703")],
    ["a failure at another sink", known("Missing"), failed("Transport/attic", "HO-T501")],
    [
      "a trouble of a step that is tried again",
      known("Missing"),
      { ...failed("Transport/vault", "HO-T501"), state: "Waiting" },
    ],
    ["a failure beside a broken chain", known("Stored", { code: "HO-V603" }), failed("Verify/vault", "HO-V602")],
  ])("but not by %s", (_name, copy, step) => {
    expect(after(copy, step)).toStrictEqual(copy);
  });
  test("not by the failure of a later run, which has failed with its own", () => {
    const status: RunStatus = { generation: { id }, copies: [known("Missing")], steps: [] };
    const later = aRun("later")
      .status({ steps: [failed("Transport/vault", "HO-T501")] })
      .build();
    expect(updateCopies(status, [later, aRun("new").build()]).copies).toStrictEqual([known("Missing")]);
  });
  test("nor does what came back out of the trash change a copy that never left", () => {
    const status: RunStatus = {
      generation: { id },
      copies: [known("Verified")],
      steps: [doneStep("Prune/vault", time(4), prune({}))],
      retention: [{ location: "vault", state: "Done", tookBack: [id] }],
    };
    expect(updateCopies(status).copies).toStrictEqual([known("Verified")]);
  });
});

describe("the copy at the source", () => {
  const source = known("Missing", { location: "source" });
  test("is verified by the seal, which alone makes it", () => {
    expect(after(source, doneStep("Seal", time(4)))).toStrictEqual({ ...source, state: "Verified", time: time(4) });
    for (const step of [failed("Seal", "HO-A404"), doneStep("Capture", time(4))])
      expect(after(source, step)).toStrictEqual(source);
  });
  test("and no other copy is", () => {
    expect(after(known("Missing"), doneStep("Seal", time(4)))).toStrictEqual(known("Missing"));
  });
});

describe("there is nothing to tell", () => {
  test("of a run without copies", () => {
    const status: RunStatus = { generation: { id }, steps: [doneStep("Seal", time(4))] };
    expect(updateCopies(status)).toBe(status);
  });
  test("of one that has made no generation, whatever is brought over and checked", () => {
    const steps = [doneStep("Transport/vault", time(4), transport(id)), doneStep("Verify/vault", time(5), verify({}))];
    expect(updateCopies({ copies: [known("Missing")], steps }).copies).toStrictEqual([known("Missing")]);
    expect(updateCopies({ copies: [known("Missing")] }).copies).toStrictEqual([known("Missing")]);
  });
});

describe("a copy counts", () => {
  const checked = doneStep("Verify/vault", time(3));
  const statusWith = (mode: "Full" | "Sample" | "None" | undefined, ...steps: readonly StepRecord[]): RunStatus => {
    const policy = aPolicy().sinks(
      sink("attic", { verify: "Sample" }),
      ...(mode === undefined ? [] : [sink("vault", { verify: mode })]),
    );
    return { policy: policy.build().spec, steps };
  };
  test.each<[string, Copy, RunStatus, boolean]>([
    ["verified", known("Verified"), {}, true],
    ["pruned, as it was there", known("Pruned"), {}, true],
    ["not when it is missing", known("Missing"), statusWith("Sample", checked), false],
    ["not when it is damaged", known("Damaged"), statusWith("Sample", checked), false],
    ["not before the full check", known("Stored"), statusWith("Full", checked), false],
    ["after the lesser check that is asked for", known("Stored"), statusWith("Sample", checked), true],
    ["after none, when none is asked for", known("Stored"), statusWith("None", checked), true],
    ["not before that check", known("Stored"), statusWith("Sample"), false],
    ["not after one that failed", known("Stored"), statusWith("Sample", failed("Verify/vault", "HO-V602")), false],
    ["not after that of another sink", known("Stored"), statusWith("Sample", doneStep("Verify/attic", time(3))), false],
    ["not after another step", known("Stored"), statusWith("Sample", doneStep("Transport/vault", time(3))), false],
    ["not when its chain is broken", known("Stored", { code: "HO-V603" }), statusWith("Sample", checked), false],
    ["not at a sink that the policy does not have", known("Stored"), statusWith(undefined, checked), false],
    ["not without a policy", known("Stored"), { steps: [checked] }, false],
  ])("%s", (_name, copy, status, does) => {
    expect(counts(copy, status)).toBe(does);
  });
});
