/** Conditions by the conventions of the Kubernetes API. `lastTransitionTime` moves only when `status` does. */

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export type NewCondition = Omit<Condition, "lastTransitionTime" | "observedGeneration">;

/** Sorted by type, so that equal worlds give equal lists. */
export function setConditions(
  current: readonly Condition[],
  next: readonly NewCondition[],
  generation: number,
  now: string,
): readonly Condition[] {
  const byType = new Map(current.map((condition) => [condition.type, condition]));
  for (const condition of next) {
    const before = byType.get(condition.type);
    const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now;
    byType.set(condition.type, { ...condition, observedGeneration: generation, lastTransitionTime });
  }
  return [...byType.values()].toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

export const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;

/** Whether a run or a restore is over, well or badly. */
export const isFinished = ({ status }: { readonly status?: { readonly conditions?: readonly Condition[] } }): boolean =>
  isTrue(status?.conditions, "Finished");
