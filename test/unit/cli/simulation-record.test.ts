/** What the prunes before have on record decides as it does at the place: what was let go, taken back, taken over, and waits. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import { forecast } from "../../../operator/cli/prune.ts";
import { type Forecast, forecastJson, renderForecast } from "../../../operator/cli/prune-text.ts";
import { digestOf } from "../../../operator/cli/retention-planner.ts";
import { parseInstant } from "../../../operator/domain/instant.ts";
import { planRetention } from "../../../operator/domain/retention.ts";
import { summariseKept } from "../../../operator/mover/retention/report.ts";
import { digestOfPlan } from "../../../operator/mover/store/plans.ts";
import { aPolicy, schedule, sink } from "../../support/builders.ts";
import { now } from "./command-bed.ts";
import { made } from "./scene.ts";

const idOf = (seq: number): string =>
  `00000${seq}-2026112${seq}T020000Z-${seq === 1 || seq === 5 ? "full" : "incremental"}`;

interface Recorded {
  readonly state: string;
  readonly kept?: readonly { readonly why: string; readonly sequences: string; readonly since?: number }[];
  readonly digest?: string;
  readonly removes?: number;
  readonly remove?: readonly { readonly id: string; readonly why: string }[];
}

/** A chain of four, and a full one that came since; all at the source and at the vault. @param record of the fourth's prune at the vault */
const runsWith = (record?: Recorded, policyUID?: string): readonly BackupRun[] =>
  [1, 2, 3, 4, 5].map((seq) =>
    made(`shop-${seq}`, `2026-11-2${seq}T02:00:00Z`, {
      id: idOf(seq),
      type: seq === 1 || seq === 5 ? "Full" : "Incremental",
      ...(seq === 1 || seq === 5 ? {} : { parent: idOf(seq - 1) }),
      storedBytes: 1_000,
      copies: ["source", "vault"].map((location) => ({ location, state: "Verified" as const, required: true })),
      change: {
        ...(seq < 5 && policyUID !== undefined ? { policyUID } : {}),
        ...(seq === 4 && record !== undefined
          ? {
              retention: [
                { location: "vault", plannedAt: "2026-11-24T03:00:00Z", remove: [], kept: [], ...record } as never,
              ],
            }
          : {}),
      },
    }),
  );
const policy = aPolicy().sinks(sink("vault")).schedules(schedule("daily", "0 3 * * *")).build();
const keep = ["vault:last=1,minVerified=1", "source:last=9"];
const look = (
  runs: readonly BackupRun[],
  change: { of?: typeof policy; keep?: readonly string[]; until?: string } = {},
): Forecast =>
  forecast(change.of ?? policy, runs, { keep: change.keep ?? keep, until: parseInstant(change.until), now });
const vault = ({ locations }: Forecast): Forecast["locations"][number] =>
  locations.find(({ name }) => name === "vault")!;
const goes = (seen: Forecast): readonly string[] => vault(seen).now.remove.map(({ generation }) => generation.id);
const whyOf = (seen: Forecast, seq: number): readonly string[] | undefined =>
  vault(seen).now.keep.find(({ generation }) => generation.seq === seq)?.why;

/** As the mover plans it at the place and reports it. */
const planOfFour = planRetention({
  generations: [4, 3, 2, 1].map((seq) => ({
    id: idOf(seq),
    seq,
    time: `2026-11-2${seq}T02:00:00Z`,
    sealedAt: `2026-11-2${seq}T02:00:00Z`,
    chain: [1, 2, 3].filter((base) => base < seq).map(idOf),
    verified: true,
    bytes: 1,
  })),
  keep: { last: 1, minVerified: 1 },
  timeZone: "UTC",
  now: parseInstant("2026-11-24T03:00:00Z")!,
  acknowledged: [],
  undelivered: [],
  waiting: [],
  holds: [],
});
const done: Recorded = {
  state: "Done",
  kept: summariseKept(planOfFour.keep).map(({ why, since, ranges }) => ({ why, sequences: ranges, since })),
};
const refused: Recorded = { ...done, state: "Waiting", digest: digestOf([1, 2, 3, 4].map(idOf)), removes: 4 };

describe("what the rules had let go before", () => {
  test("does not count for the half, as the place has it: the chain goes with the last that is based on it", () => {
    expect(planOfFour.due).toHaveLength(3);
    expect(goes(look(runsWith(done)))).toEqual([1, 2, 3, 4].map(idOf));
  });

  test("is known of a prune that was carried out alone", () => {
    expect(vault(look(runsWith({ ...done, state: "Planned" }))).now.refused).toMatch(/^HO-K701: 4 of 5 /);
  });

  test("one that a rule kept as well was not let go, and one that waited for a sink has come since", () => {
    const kept = (why: string) => ({ why, sequences: "1-3" });
    const of = (...whys: readonly string[]): string | undefined =>
      vault(look(runsWith({ state: "Done", kept: [{ why: "last 1", sequences: "4" }, ...whys.map(kept)] }))).now
        .refused;
    expect(of("a required sink has not verified it")).toBeUndefined();
    expect(of("base of a kept one", "weekly 4")).toMatch(/^HO-K701: 4 of 5 /);
    expect(of("base of a kept one", "held: audit")).toBeUndefined();
  });

  test("what came since then may go as well as it came", () => {
    const seen = look(runsWith({ state: "Done", kept: [{ why: "last 1", sequences: "1" }] }));
    expect(goes(seen)).toHaveLength(4);
  });

  test("a record without room for all numbers or reasons is said to be one", () => {
    const cut = look(runsWith({ state: "Done", kept: [{ why: "base of a kept one", sequences: "3", since: 3 }] }));
    expect(renderForecast(look(runsWith(undefined)))).toContain("the next run may remove these without asking");
    expect(vault(cut).record.isComplete).toBe(false);
    expect(vault(look(runsWith(done))).record.isComplete).toBe(true);
  });

  test("is what the first of the runs to come goes by, and a plan that is refused changes nothing of it", () => {
    const first = vault(look(runsWith(done), { until: "2026-11-30T04:00:00Z" })).later;
    expect(first.remove.map(({ generation }) => generation.seq)).toEqual([1, 2, 3, 4, 5]);
    const never = vault(look(runsWith(undefined), { until: "2026-12-02T04:00:00Z" })).later;
    expect([never.remove, never.refused?.times]).toEqual([[], 3]);
  });
});

describe("what was taken back out of the trash", () => {
  const held = { why: "held until 2026-12-01T00:00:00Z: taken back out of the trash", sequences: "2" };

  test("stays for its time, with all that it is based on", () => {
    const seen = look(runsWith({ ...done, kept: [...(done.kept ?? []), held] }));
    expect(whyOf(seen, 2)).toEqual([held.why]);
    expect(whyOf(seen, 1)).toEqual(["base of 000002"]);
    expect(goes(seen)).toEqual([3, 4].map(idOf));
  });

  test("is not held any more after it", () => {
    const past = { ...held, why: held.why.replace("2026-12-01", "2026-11-29") };
    expect(goes(look(runsWith({ ...done, kept: [...(done.kept ?? []), past] })))).toHaveLength(4);
  });
});

describe("generations of a former policy", () => {
  test("stay, and count for no rule; their run says whose they are, or the last plan", () => {
    for (const runs of [
      runsWith(undefined, "another-uid"),
      runsWith({ state: "Done", kept: [{ why: "of a former policy", sequences: "1-4" }] }),
    ]) {
      const seen = look(runs);
      expect([goes(seen), vault(seen).now.refused]).toEqual([[], undefined]);
      expect(whyOf(seen, 4)).toEqual(["of a former policy"]);
      expect(whyOf(seen, 5)).toContain("newest verified");
    }
  });
});

describe("a plan that would wait", () => {
  const digest = digestOfPlan([1, 2, 3, 4].map(idOf));

  test("is shown, with the command that a run will print", () => {
    const seen = look(runsWith(undefined));
    const { now: plan } = vault(seen);
    expect(plan.proposed.map(({ generation }) => generation.seq)).toEqual([1, 2, 3, 4]);
    expect(plan.keep.map(({ generation }) => generation.seq)).toEqual([5]);
    const text = renderForecast(seen);
    expect(text).toContain(
      "The next run brings a generation of its own, which takes its place under the rules: --until",
    );
    expect(text).toMatch(/000003-\S+ .* asked +beyond last 1\n/);
    expect(text).toContain(`  The plan ${digest.slice(0, 12)} would wait: 4 generations, `);
    expect(text).toContain("Once the policy has these rules and a run has made this plan; to allow it:");
    expect(text).toContain(
      `kubectl -n shop annotate bpol shop --overwrite backup.handover.dev/acknowledge-prune=${digest.slice(0, 12)}\n`,
    );
    expect(forecastJson(seen)).toMatchObject({
      locations: [{}, { now: { plan: digest, proposed: [{ id: idOf(1) }, {}, {}, {}] } }],
    });
  });

  test("that waits on record already says so; another one is named beside it", () => {
    expect(renderForecast(look(runsWith(refused)))).toContain("It waits; to allow it:");
    const text = renderForecast(look(runsWith({ ...refused, digest: "ab".repeat(32), removes: 3 })));
    expect(text).toContain("On record another one waits, of 3 generations; to allow that:");
    expect(text).toContain(`acknowledge-prune=${"ab".repeat(6)}\n`);
  });

  test("and is acknowledged goes, as far as it is known what it is", () => {
    const acknowledging = (value: string) => ({
      ...policy,
      metadata: { ...policy.metadata, annotations: { [annotations.acknowledgePrune]: value } },
    });
    const whole = acknowledging(`ffffffffffff, ${digest.slice(0, 12)}`);
    expect(goes(look(runsWith(refused), { of: whole }))).toHaveLength(4);
    expect(goes(look(runsWith(refused), { of: acknowledging("true") }))).toHaveLength(0);
    const known = [1, 2, 3, 4].map((seq) => ({ id: idOf(seq), why: "" }));
    const other = { ...refused, digest: "ab".repeat(32), remove: known };
    expect(goes(look(runsWith(other), { of: acknowledging("ab".repeat(6)) }))).toHaveLength(4);
    expect(goes(look(runsWith(other), { of: whole }))).toHaveLength(0);
  });
});

describe("rules that a policy would not accept", () => {
  test("are refused, with the floor that stands against them", () => {
    expect(() => look(runsWith(), { keep: ["last=1"] })).toThrow(
      /not accepted: at vault last and the other counts are smaller than minVerified, which is 2 there: raise last, or add minVerified=1$/,
    );
    expect(() => look(runsWith(), { keep: ["vault:last=1,weekly=1"] })).not.toThrow();
  });

  test("at the source last is 2 unless it is given, as the schema has it", () => {
    expect(look(runsWith(), { keep: ["daily=5"] }).locations.map(({ rules }) => rules.last)).toEqual([2, undefined]);
  });
});
