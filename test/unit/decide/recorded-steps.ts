/** The steps of a run that stops its app and has one sink, as they are on record. */
import type { StepRecord } from "../../../operator/api/kinds.ts";

export type State = StepRecord["state"];
export type Steps = Readonly<Record<string, State | Omit<StepRecord, "name">>>;

export const names: readonly string[] = [
  "Accept",
  "Preflight",
  "Warm",
  "Quiesce",
  "Capture",
  "GiveBack",
  "Seal",
  "Transport/vault",
  "Verify/vault",
  "Prune/source",
  "Prune/vault",
];

/** Whoever is not named is Pending; `undefined` is not planned at all. */
export const stepsOf = (states: Readonly<Record<string, Steps[string] | undefined>>): readonly StepRecord[] =>
  names
    .filter((name) => !(name in states) || states[name] !== undefined)
    .map((name) => {
      const state = states[name] ?? "Pending";
      return { name, ...(typeof state === "string" ? { state } : state) };
    });
