/** What is told of a run that failed: a code, and advice that can be followed. */
import { expect, test } from "@jest/globals";
import { errorCodes } from "../../../operator/api/codes.ts";
import type { StepRecord } from "../../../operator/api/kinds.ts";
import { decideRun } from "../../../operator/decide/run.ts";
import { aRun, anApp, at, doneStep, settings } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

test("every code of the catalogue makes advice that can be followed, as the end of a run", () => {
  const over = "2026-11-21T01:00:00.000Z";
  for (const code of errorCodes) {
    const steps: readonly StepRecord[] = [
      doneStep("Accept", over),
      {
        name: "Preflight",
        state: "Failed",
        attempt: 1,
        job: "shop-1-preflight-1",
        finishedAt: over,
        code,
        message: "it did not work",
      },
    ];
    const run = aRun().finished("Failed", undefined, { app: "Up", steps }).build();
    const seen = { run, policy: undefined, siblings: [], restores: [], app: anApp(), jobs: new Map(), settings };
    const { status } = decideRun(seen, at("23:00"));
    expect(findBrokenRule(status)).toBeUndefined();
    expect(status).toMatchObject({ result: "Failed", code });
    expect(status.advice).toContain("it did not work");
  }
});
