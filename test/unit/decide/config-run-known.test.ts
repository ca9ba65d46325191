/** What runs of the configuration mean for what is known of their policy, and when the next one comes. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, RunStatus } from "../../../operator/api/kinds.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { formatInstant } from "../../../operator/domain/instant.ts";
import { aPolicy, aRun, at, schedule } from "../../support/builders.ts";

const before = "000001-20261120T010000Z-config";
const policy = aPolicy().spec({
  config: { configMaps: [{ name: "settings" }], secrets: [{ name: "keys", keys: ["session", "saml.pem"] }] },
});

describe("what is known of a policy", () => {
  const finished = (
    name: string,
    hour: number,
    status: RunStatus,
    result: "Complete" | "Failed" = "Complete",
  ): BackupRun =>
    aRun(name)
      .of("Config")
      .created(formatInstant(at(`${String(hour).padStart(2, "0")}:00`)))
      .finished(result, undefined, status)
      .build();
  const full = aRun("full").finished("Complete", "000002-20261120T020000Z-full").build();
  const decide = (runs: readonly BackupRun[], of = policy) =>
    decidePolicy({ policy: of.build(), runs, restores: [], takenNames: new Set() }, at("23:00"));

  test("a configuration is no state of the app, and its failure is told of", () => {
    const made = aRun("made").of("Config").finished("Complete", "000009-20261120T020000Z-config").build();
    expect(decide([full, made]).status).toMatchObject({
      state: "Protected",
      lastComplete: { generation: "000002-20261120T020000Z-full" },
    });
    expect(decide([made], policy.spec({ volumes: [] })).status.lastComplete).toBeUndefined();
    const failed = finished("failed", 9, { display: { message: "HO-P117 gone" } }, "Failed");
    expect(decide([full, failed]).status).toMatchObject({
      state: "AtRisk",
      display: { message: "failed: HO-P117 gone" },
    });
    // No part of the policy any more.
    expect(decide([full, failed], aPolicy()).status.state).toBe("Protected");
  });

  test("a look that found no change is worth no more than the copies of what it found", () => {
    const made = (state: "Missing" | "Verified"): BackupRun =>
      aRun("made")
        .of("Config")
        .created(formatInstant(at("08:00")))
        .finished(state === "Verified" ? "Complete" : "AtRisk", before, {
          copies: [{ location: "vault", state, required: true }],
          display: { message: "HO-T501 vault is away" },
        })
        .build();
    const look = finished("look", 9, { unchanged: before, copies: [] });
    expect(decide([full, made("Missing"), look]).status).toMatchObject({
      state: "AtRisk",
      display: { message: "made: HO-T501 vault is away" },
    });
    expect(decide([full, made("Verified"), look]).status.state).toBe("Protected");
  });

  test("of looks that found no change three are kept, beside five failures", () => {
    const looks = [1, 2, 3, 4, 5].map((hour) => finished(`look-${hour}`, hour, { unchanged: before, copies: [] }));
    const failures = [11, 12, 13, 14, 15].map((hour) => finished(`failed-${hour}`, hour, {}, "Failed"));
    const { actions } = decide([...looks, ...failures, full]);
    expect(actions.flatMap((action) => (action.do === "deleteRun" ? [action.run.metadata.name] : []))).toEqual([
      "look-2",
      "look-1",
    ]);
  });

  test("a look comes again and again, at multiples of its interval, once each", () => {
    const { cron: _cron, ...settings } = schedule("settings", "", { type: "Config", onChange: { interval: "10m" } });
    const every = policy.schedules(settings);
    let status = decidePolicy(
      { policy: every.build(), runs: [], restores: [], takenNames: new Set() },
      at("01:03"),
    ).status;
    expect(status.nextRun).toEqual({ schedule: "settings", time: "2026-11-21T01:10:00.000Z" });
    const runs: BackupRun[] = [];
    for (const clock of ["01:09", "01:10", "01:11", "01:20", "01:41"]) {
      const seen = { policy: every.status(status).build(), runs, restores: [], takenNames: new Set<string>() };
      const decision = decidePolicy(seen, at(clock));
      status = decision.status;
      for (const action of decision.actions)
        if (action.do === "createRun") {
          const { scheduledFor } = action.spec as { readonly scheduledFor: string };
          runs.push(
            aRun(action.name)
              .of("Config")
              .slot("settings", scheduledFor)
              .finished("Complete", undefined, { unchanged: before })
              .build(),
          );
        }
    }
    expect(runs.map(({ metadata }) => metadata.name.slice(-4))).toEqual(["0110", "0120", "0140"]);
  });
});
