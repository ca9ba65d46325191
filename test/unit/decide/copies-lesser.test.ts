/** A copy that comes late to a sink whose policy asks for less than a re-read of every byte. */
import { describe, expect, test } from "@jest/globals";
import type { BackupRun, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import type { ResultOf } from "../../../operator/contract/result.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { aPolicy, aRun, anApp, at, doneStep, settings, sink } from "../../support/builders.ts";

const id = "000001-20261121T010000Z-full";
const effort = { version: 1, ok: true, bytes: 1, seconds: 1 } as const;
const time = (hour: number): string => `2026-11-21T${String(hour).padStart(2, "0")}:00:00.000Z`;
const later = (...steps: readonly StepRecord[]): BackupRun => aRun("later").status({ steps }).build();
const look = (run: BackupRun, siblings: readonly BackupRun[]): RunStatus =>
  decideRun(
    { run, policy: undefined, siblings, restores: [], app: anApp({ workloads: [] }), jobs: new Map(), settings },
    at("23:00"),
  ).status;
const verify = (damaged: string[] = []): ResultOf<"verify"> => ({ ...effort, step: "verify", verified: [], damaged });
const lesser = (mode: "Sample" | "None", ranges: string): ResultOf<"verify"> => ({
  ...verify(),
  lesser: { mode, checked: { since: 1, ranges } },
});
/** A finished run whose copy did not get to the vault. */
const atRisk = (mode: "Full" | "Sample" | "None"): BackupRun =>
  aRun()
    .finished("AtRisk", id, {
      policy: aPolicy()
        .sinks(sink("vault", { verify: mode }))
        .build().spec,
      app: "Up",
      copies: [
        { location: "source", state: "Verified", required: true, time: time(1) },
        { location: "vault", state: "Missing", required: true },
      ],
      steps: [
        doneStep("Seal", time(1)),
        { name: "Transport/vault", state: "Failed", finishedAt: time(1), code: "HO-T501", message: "no route" },
      ],
    })
    .build();
const brought = doneStep("Transport/vault", time(3), { ...effort, step: "transport", delivered: [id] });

describe("counts when that check is done", () => {
  test.each([
    ["None", [brought, doneStep("Verify/vault", time(4), lesser("None", "1-2"))], "Complete"],
    ["None", [doneStep("Verify/vault", time(4), lesser("Sample", "1"))], "Complete"],
    ["Sample", [brought, doneStep("Verify/vault", time(4), lesser("Sample", "1"))], "Complete"],
    ["Sample", [brought, doneStep("Verify/vault", time(4), lesser("None", "1"))], "AtRisk"],
    ["Full", [brought, doneStep("Verify/vault", time(4), lesser("Sample", "1"))], "AtRisk"],
    ["None", [brought, doneStep("Verify/vault", time(4), lesser("None", "2"))], "AtRisk"],
    ["None", [brought, doneStep("Verify/offsite", time(4), lesser("None", "1"))], "AtRisk"],
    ["None", [brought], "AtRisk"],
  ] as const)("asked for as %s: %#", (mode, steps, result) => {
    const status = look(atRisk(mode), [later(...steps)]);
    expect(status).toMatchObject({ result, display: { copies: result === "Complete" ? "2/2" : "1/2" } });
    const run = { ...atRisk(mode), status };
    expect(look(run, []).copies).toEqual(status.copies);
    // What counts no more when it is found damaged, or is not found.
    const damaged = later(doneStep("Verify/vault", time(9), verify([id])));
    expect(look(run, [damaged]).result).toBe("AtRisk");
  });
});
