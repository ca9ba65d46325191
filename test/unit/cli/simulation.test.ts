/** What is to come: slots, chains, deliveries, and what retention makes of them. */
import { describe, expect, test } from "@jest/globals";
import { forecast } from "../../../operator/cli/prune.ts";
import { futureRuns } from "../../../operator/cli/future-runs.ts";
import { type Forecast, forecastJson } from "../../../operator/cli/prune-text.ts";
import { parseInstant } from "../../../operator/domain/instant.ts";
import { aPolicy, schedule, sink } from "../../support/builders.ts";
import { now } from "./command-bed.ts";
import { dump43, incremental41, incremental42, made, scene } from "./scene.ts";

const at = (text: string): number => parseInstant(text)!;
const look = (
  asked: { keep?: readonly string[]; until?: string; policy?: ReturnType<typeof scene>["policy"] } = {},
): Forecast => {
  const { policy, runs } = scene();
  const until = asked.until === undefined ? undefined : at(asked.until);
  return forecast(asked.policy ?? policy, runs, { keep: asked.keep ?? [], until, now });
};
const location = ({ locations }: Forecast, name: string): Forecast["locations"][number] =>
  locations.find((one) => one.name === name)!;

describe("runs to come", () => {
  const { spec } = aPolicy()
    .sinks(sink("vault"), sink("offsite"))
    .schedules(
      schedule("nightly", "30 2 * * *", { timeZone: "Europe/Berlin" }),
      schedule("monthly", "0 4 1 * *", { sinks: ["offsite"] }),
    )
    .build();

  test("are the slots of every schedule in order of time, with their sinks, and none at or before now", () => {
    const runs = futureRuns(spec, at("2026-11-30T01:30:00Z"), at("2026-12-02T01:30:00Z"))!;
    expect(runs.map((run) => [new Date(run.at).toISOString(), run.sinks.join()])).toEqual([
      ["2026-12-01T01:30:00.000Z", "vault,offsite"],
      ["2026-12-01T04:00:00.000Z", "offsite"],
      ["2026-12-02T01:30:00.000Z", "vault,offsite"],
    ]);
  });

  test("a local time that a clock change skips or doubles is one run", () => {
    expect(futureRuns(spec, at("2027-03-27T12:00:00Z"), at("2027-03-29T12:00:00Z"))).toHaveLength(2);
    expect(futureRuns(spec, at("2026-10-24T12:00:00Z"), at("2026-10-26T12:00:00Z"))).toHaveLength(2);
  });

  test("of several at the same minute one that brings what another asks for is the only one, but for dumps", () => {
    const several = aPolicy()
      .sinks(sink("vault"), sink("offsite"))
      .schedules(
        schedule("hourly", "0 * * * *", { type: "Database" }),
        schedule("nightly", "0 2 * * *", { type: "Incremental", sinks: ["vault"] }),
        schedule("archive", "0 2 * * *", { sinks: ["offsite"] }),
        schedule("weekly", "0 2 * * *", { sinks: ["vault"] }),
      )
      .build().spec;
    const runs = futureRuns(several, at("2026-11-30T01:30:00Z"), at("2026-11-30T02:30:00Z"))!;
    expect(runs.map(({ type, sinks }) => `${type} ${sinks.join()}`)).toEqual([
      "Full offsite",
      "Full vault",
      "Database vault,offsite",
    ]);
  });

  test("too many are refused, not cut off", () => {
    const every = aPolicy().schedules(schedule("m", "* * * * *")).build().spec;
    expect(futureRuns(every, now, now + 400 * 86_400_000)).toBeUndefined();
  });
});

describe("now", () => {
  test("is what the operator's own planRetention says of what runs know", () => {
    // What waits lies in the handover point: no rule counts it, and what it is based on stays.
    const source = location(look({ keep: ["source:last=1"] }), "source");
    expect(source.now.remove).toEqual([]);
    expect(source.now.keep.find(({ generation }) => generation.id === incremental42)?.why).toEqual(["waits for vault"]);
  });

  test("a copy that does not count, by itself or by its chain, pushes nothing out", () => {
    const vault = location(look({ keep: ["last=1,minVerified=1"] }), "vault");
    expect(vault.now.keep.map(({ generation }) => generation.id)).toEqual(
      expect.arrayContaining([incremental42, incremental41, dump43]),
    );
    expect(vault.now.keep.find(({ generation }) => generation.id === incremental42)?.why).toEqual(["not verified"]);
  });

  test("more than half at once is refused as the operator refuses it", () => {
    const runs = [1, 2, 3, 4].map((number) =>
      made(`r${number}`, `2026-11-2${number}T02:00:00Z`, {
        id: `00000${number}-2026112${number}T020000Z-full`,
        type: "Full",
        storedBytes: 100,
        copies: [
          { location: "source", state: "Verified", required: true },
          { location: "vault", state: "Verified", required: true },
        ],
      }),
    );
    const seen = forecast(scene().policy, runs, { keep: ["source:last=1"], until: undefined, now });
    expect(location(seen, "source").now.refused).toMatch(/^HO-K701/);
    expect(location(seen, "source").now.remove).toEqual([]);
  });
});

describe("until a date", () => {
  test("ends as retention would: planning once more removes nothing", () => {
    const seen = look({ keep: ["last=3"], until: "2027-01-31T00:00:00Z" });
    expect(seen.runs).toBeGreaterThan(1_400);
    for (const { later, rules } of seen.locations) {
      const types = later.keep.filter(({ generation }) => generation.assumed).map(({ generation }) => generation.type);
      expect(types.filter((type) => type === "Database").length).toBeLessThanOrEqual(Math.max(3, rules.minVerified));
      const ids = [
        ...later.keep.map(({ generation }) => generation.id),
        ...later.remove.map(({ generation }) => generation.id),
      ];
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  test("a sink that a schedule does not name gets nothing of it", () => {
    const offsite = location(look({ until: "2026-12-02T00:00:00Z" }), "offsite");
    expect(offsite.later.keep.filter(({ generation }) => generation.assumed)).toEqual([]);
    expect(offsite.later.remove).toEqual([]);
  });

  test("what waits for a sink is delivered by the next run, and then goes at the source when the rules say so", () => {
    const source = location(look({ keep: ["source:last=1"], until: "2026-12-07T00:00:00Z" }), "source");
    // At the sink it counts from then on, by itself: before, its check was not done there.
    const vault = location(look({ until: "2026-11-29T14:00:00Z" }), "vault");
    const why = vault.later.keep.find(({ generation }) => generation.id === incremental42)?.why;
    expect(why).toContain("newest verified");
    const gone = source.later.remove.map(({ generation }) => generation.id);
    expect(gone).toContain(incremental41);
    expect(source.now.remove.map(({ generation }) => generation.id)).not.toContain(incremental42);
  });

  test("an incremental run is based on the newest state, and full when its chain would be too long", () => {
    const base = aPolicy()
      .sinks(sink("vault"))
      .schedules(schedule("daily", "0 2 * * *", { type: "Incremental" }))
      .build();
    const policy = { ...base, spec: { ...base.spec, maxChain: 4 } };
    const seen = look({ policy, keep: ["last=50"], until: "2026-12-04T00:00:00Z" });
    const types = location(seen, "source")
      .later.keep.filter(({ generation }) => generation.assumed)
      .map(({ generation }) => [generation.type, generation.chain.length]);
    // Newest first; what is there has a chain of three.
    expect(types).toEqual([
      ["Incremental", 2],
      ["Incremental", 1],
      ["Full", 0],
      ["Incremental", 3],
    ]);
  });

  test("a suspended policy has no run to come", () => {
    const { policy } = scene();
    const seen = look({
      policy: { ...policy, spec: { ...policy.spec, suspend: true } },
      until: "2026-12-31T00:00:00Z",
    });
    expect(seen).toMatchObject({ runs: 0, suspended: true });
  });
});

test("the JSON says that it is simulated, and is the same twice", () => {
  const seen = look({ until: "2026-12-02T00:00:00Z" });
  expect(forecastJson(seen)).toMatchObject({ simulated: true, policy: "shop", runs: 60 });
  expect(JSON.stringify(forecastJson(look({ until: "2026-12-02T00:00:00Z" })))).toBe(
    JSON.stringify(forecastJson(seen)),
  );
});
