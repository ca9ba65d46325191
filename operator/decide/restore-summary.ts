/** From the recorded steps of a restore to what people and tools read. Nothing here is remembered. */
import { reasonOf } from "../api/codes.ts";
import { discarded, nothing } from "../api/codes/entry.ts";
import { type NewCondition, setConditions } from "../api/conditions.ts";
import type { RestoreStatus, StepRecord } from "../api/kinds.ts";
import { type Instant, elapsed, formatInstant } from "../domain/instant.ts";
import { formatDuration } from "../domain/quantities.ts";
import { advise } from "./advice.ts";
import { type AppState, appGivenBack, hasStopped, isBecauseOfAnother, judgeApp, seeApp } from "./app-state.ts";
import { isOpen, mayBeHalf } from "./exchange.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import { clip } from "../domain/text.ts";

/** The order in which the steps are taken. */
export const restoreSteps = ["Plan", "Stage", "Quiesce", "Swap", "GiveBack", "Cleanup"];

export const conditionOf: Readonly<Record<string, string>> = {
  Accept: "Accepted",
  Plan: "Planned",
  Stage: "Staged",
  Swap: "Restored",
  GiveBack: "AppRestored",
};

export function summariseRestore(
  seen: RestoreObservation,
  status: RestoreStatus,
  over: boolean,
  now: Instant,
): RestoreStatus {
  const { request } = seen;
  const steps = status.steps ?? [];
  const state = (name: string): StepRecord["state"] | undefined => steps.find((step) => step.name === name)?.state;
  const restored = state("Swap") === "Done";
  const swap = steps.find(({ name }) => name === "Swap");
  const halfway = isOpen(swap) || mayBeHalf(swap);
  const ready = state("GiveBack") !== "Failed";
  const disturbed = steps.some(({ name, code: why }) => name === "Swap" && why === "HO-R808");
  const result = over ? (restored && ready && !disturbed ? "Complete" : "Failed") : "";
  // Not over, and not going on by itself: only a person can decide about an app between two states.
  const held = steps.find((step) => step.name === "GiveBack" && step.code !== undefined && !over);
  const trouble = held ?? steps.find((step) => step.code !== undefined);
  const code = trouble?.code ?? "";
  const names = {
    namespace: request.metadata.namespace,
    policy: request.spec.policyName,
    run: request.metadata.name,
    job: trouble?.job,
  };
  const app = ((): AppState => {
    if (state("GiveBack") === "Failed" || held !== undefined) return "Down";
    if (state("GiveBack") === "Done") return appGivenBack(seen.app, status);
    if (hasStopped(status)) return "Stopped";
    if (isBecauseOfAnother(code)) return "Unknown";
    return state("GiveBack") === undefined
      ? seeApp(seen.app, seen.policy?.spec)
      : judgeApp(seen.app, status.workloads ?? []);
  })();
  const waits = state("Plan") === "Done" && request.spec.planOnly && state("Stage") === "Pending";
  const approve = `kubectl -n ${request.metadata.namespace} patch rreq ${request.metadata.name} --type merge -p '{"spec":{"planOnly":false}}'`;
  const current = steps.find((step) => step.state === "Running" || step.state === "Waiting");
  const advice =
    code !== ""
      ? advise({
          code,
          what: trouble?.message ?? "",
          step: trouble,
          app,
          wasStopped: status.times?.stopAt !== undefined,
          names,
          data: (entry) => {
            if (restored && !disturbed) return "the restored state is in place";
            if (entry.data !== nothing && entry.data !== discarded) return entry.data;
            return halfway ? "both states are still there" : "nothing was changed";
          },
        })
      : waits
        ? `Nothing has been changed. Read status.plan, then: ${approve}`
        : "";
  const downtime = elapsed(status.times?.stopAt, status.times?.readyAt);
  const finished = over ? "True" : "False";
  const conditions: NewCondition[] = [];
  for (const [name, type] of Object.entries(conditionOf)) {
    const step = steps.find((candidate) => candidate.name === name);
    if (step === undefined) {
      if (name === "GiveBack" && steps.length > 0)
        conditions.push({ type, status: "True", reason: "NotStopped", message: "the restore was refused" });
      continue;
    }
    const message = step.message ?? "";
    if (step.state === "Failed")
      conditions.push({
        type,
        status: "False",
        reason: reasonOf(step.code),
        message: `${step.code} ${message}`,
      });
    else if (step.state === "Done") conditions.push({ type, status: "True", reason: "Done", message });
    // Whoever waits for the app gets an answer also when it was never stopped.
    else if (step.state === "Skipped" && name === "GiveBack")
      conditions.push({ type, status: "True", reason: "NotStopped", message: "the app was not stopped" });
    else if (step.state === "Skipped") conditions.push({ type, status: "False", reason: "Skipped", message });
    else
      conditions.push({
        type,
        status: "Unknown",
        reason: step.state === "Pending" ? "Pending" : "InProgress",
        message,
      });
  }
  conditions.push({
    type: "Approved",
    status: request.spec.planOnly ? "False" : "True",
    reason: request.spec.planOnly ? "PlanOnly" : "Approved",
    message: waits ? advice : "",
  });
  conditions.push({
    type: "Succeeded",
    status: over ? (result === "Complete" ? "True" : "False") : "Unknown",
    reason: over ? result : "InProgress",
    message: advice,
  });
  conditions.push({
    type: "Finished",
    status: finished,
    reason: over ? result : "InProgress",
    message: "",
  });
  const stalled = result === "Failed" || held !== undefined;
  conditions.push({
    type: "Reconciling",
    status: over || waits || held !== undefined ? "False" : "True",
    reason: over ? "Done" : held !== undefined ? "HeldStopped" : waits ? "WaitingForApproval" : "InProgress",
    message: "",
  });
  conditions.push({
    type: "Stalled",
    status: stalled ? "True" : "False",
    reason: stalled ? reasonOf(trouble?.code) : "Fine",
    message: stalled ? advice : "",
  });

  const next: RestoreStatus = {
    ...status,
    observedGeneration: request.metadata.generation ?? 1,
    phase: over
      ? "Done"
      : waits
        ? "Planned"
        : current === undefined
          ? "Accept"
          : `${current.name} ${restoreSteps.indexOf(current.name) + 1}/${restoreSteps.length}`,
    result,
    app,
    code,
    advice,
    display: {
      message: clip(
        code !== ""
          ? `${code} ${trouble?.message ?? ""}`
          : waits
            ? "nothing changed yet; waits for planOnly: false"
            : over
              ? (steps.find((step) => step.name === "Stage")?.message ?? "")
              : (current?.message ?? ""),
        200,
      ),
    },
    ...(downtime === undefined ? {} : { downtime: formatDuration(downtime) }),
  };
  return {
    ...next,
    conditions: [
      ...setConditions(status.conditions ?? [], conditions, request.metadata.generation ?? 1, formatInstant(now)),
    ],
  };
}
