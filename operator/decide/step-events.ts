/** Events about the steps of a run or a restore. */
import { reasonOf } from "../api/codes.ts";
import type { RunStatus } from "../api/kinds.ts";
import type { DomainEvent } from "./decision.ts";
import { baseOf, isTrouble } from "./step.ts";

export interface Teller {
  readonly kind: "Run" | "Restore";
  /** The condition that a step stands for. */
  readonly conditionOf: Readonly<Record<string, string>>;
  /** The message when all is well. */
  readonly complete: string;
}

/** One event for each step that ended between two states of the record, and one for the end. */
export function stepEvents(
  { kind, conditionOf, complete }: Teller,
  before: Pick<RunStatus, "steps" | "conditions">,
  after: Pick<RunStatus, "steps" | "advice"> & { readonly result?: string | undefined },
): readonly DomainEvent[] {
  const old = new Map(before.steps?.map((step) => [step.name, step.state]));
  const events: DomainEvent[] = [];
  for (const step of after.steps ?? []) {
    if (old.get(step.name) === step.state) continue;
    const text = step.name.includes("/") ? `${step.name.split("/")[1]}: ${step.message ?? ""}` : (step.message ?? "");
    if (step.state === "Done" && step.code === undefined && step.name !== "Accept")
      events.push({ type: "Normal", reason: conditionOf[baseOf(step)] ?? `${baseOf(step)}Done`, message: text });
    if (isTrouble(step) || (step.state === "Waiting" && step.code !== undefined))
      events.push({
        type: "Warning",
        reason: reasonOf(step.code),
        message: `${step.code} ${text}`,
      });
  }
  if (after.result !== undefined && after.result !== "")
    events.push({
      type: after.result === "Complete" ? "Normal" : "Warning",
      reason: `${kind}${after.result}`,
      message: after.advice === undefined || after.advice === "" ? complete : after.advice,
    });
  return events;
}
