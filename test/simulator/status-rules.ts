/** What every status that is ever written has to keep to, whoever reads it: people, kstatus, `kubectl wait`. Throws when it does not. */
import type { PolicyStatus, RestoreStatus, RunStatus } from "../../operator/api/kinds.ts";
import type { Condition } from "../../operator/api/conditions.ts";

export type AnyStatus = (RunStatus | RestoreStatus | PolicyStatus) & {
  readonly conditions?: readonly Condition[];
  readonly code?: string;
  readonly advice?: string;
  readonly app?: string;
  readonly result?: string;
};
type Rule = readonly [
  name: string,
  /** @param written the status as JSON */
  holds: (status: AnyStatus, is: (type: string) => string | undefined, generation: number, written: string) => boolean,
];

/** "3 minutes ago" is wrong a minute later. */
const relative = /\b(ago|from now|just now|yesterday|tomorrow|in \d+ ?(s|m|h|d|seconds|minutes|hours|days)\b)/i;
const command = /\b(kubectl|helm) /;

/** How an advice begins to speak of an app that does not run. */
const wordsOf: Readonly<Record<string, readonly string[]>> = {
  Stopped: ["stopped"],
  Down: ["DOWN"],
  Unknown: ["unknown", "given back, not seen to be ready"],
  Parked: ["at no replicas"],
};

const rules: readonly Rule[] = [
  [
    "the generation it speaks of is on it",
    ({ observedGeneration }, _, generation) => observedGeneration === generation,
  ],
  [
    "and on each condition",
    ({ conditions = [] }, _, generation) => conditions.every((one) => one.observedGeneration === generation),
  ],
  [
    "conditions are in order, each type once",
    ({ conditions = [] }) => conditions.every(({ type }, index) => index === 0 || conditions[index - 1]!.type < type),
  ],
  ["reasons are CamelCase", ({ conditions = [] }) => conditions.every(({ reason }) => /^[A-Z][A-Za-z]+$/.test(reason))],
  [
    "messages are no longer than the schema allows",
    ({ conditions = [] }) => conditions.every(({ message }) => message.length <= 32_768),
  ],
  ["Reconciling and Stalled are there", (_, is) => is("Reconciling") !== undefined && is("Stalled") !== undefined],
  ["never both at once", (_, is) => is("Reconciling") !== "True" || is("Stalled") !== "True"],
  ["what is finished goes on no more", (_, is) => is("Finished") !== "True" || is("Reconciling") === "False"],
  ["what is finished has a result", ({ result }, is) => is("Finished") !== "True" || (result ?? "") !== ""],
  ["what is not finished has none", ({ result }, is) => is("Finished") !== "False" || result === ""],
  [
    "Succeeded is known when it is finished, and not before",
    (_, is) => is("Finished") === undefined || (is("Succeeded") === "Unknown") === (is("Finished") === "False"),
  ],
  ["Succeeded means Complete", ({ result }, is) => is("Succeeded") !== "True" || result === "Complete"],
  ["a failure stalls", ({ result }, is) => result !== "Failed" || is("Stalled") === "True"],
  [
    "whatever is not Complete has a code",
    ({ result, code }) => result === undefined || ["", "Complete"].includes(result) || (code ?? "") !== "",
  ],
  [
    "a code comes with advice that ends in a command",
    ({ code, advice }) =>
      (code ?? "") === "" || (advice!.startsWith(code!) && command.test(advice!.split("Next: ")[1] ?? "")),
  ],
  [
    "advice says the same of the app as the column",
    ({ app = "", advice = "" }) =>
      !advice.includes(" App: ") || (wordsOf[app] ?? [""]).some((word) => advice.includes(` App: ${word}`)),
  ],
  ["advice leaves no name open", ({ advice }) => !/[{}]/.test((advice ?? "").replaceAll(/'\{.*\}'/g, ""))],
  ["no text tells a time that moves on", (_status, _is, _generation, written) => !relative.test(written)],
  [
    "nothing is undefined, null or NaN in a text",
    (_status, _is, _generation, written) => !/undefined|NaN|\bnull\b|\[object/.test(written),
  ],
  [
    "a step that is over says when",
    (status) =>
      (("steps" in status && status.steps) || []).every(
        ({ state, finishedAt }) => !["Done", "Failed"].includes(state) || finishedAt !== undefined,
      ),
  ],
];

export function findBrokenRule(status: AnyStatus, generation = 1): string | undefined {
  const is = (type: string): string | undefined =>
    status.conditions?.find((condition) => condition.type === type)?.status;
  const written = JSON.stringify(status);
  return rules.find(([, holds]) => !holds(status, is, generation, written))?.[0];
}
