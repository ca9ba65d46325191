/** A plan of retention in few bytes: why which numbers stay, however many they are. */
import type { ResultOf } from "../../contract/result.ts";
import type { RetentionPlan } from "../../domain/retention.ts";
import { parseGenerationId } from "../../domain/generation.ts";
import { baseOfKept } from "../../domain/kept-reasons.ts";
import { formatSequences } from "../../domain/sequences.ts";
import { clip } from "../../domain/text.ts";

type Kept = ResultOf<"prune">["kept"];

/** Bytes for the numbers of one reason; of some hundred reasons there are a dozen at most. */
const rangesLength = 120;
const reasons = 16;

/** Each base has reasons of its own, with numbers in them, and is one of many. */
const groupOf = (why: string): string => (why.startsWith("base of ") ? baseOfKept : why);

/** The reasons of the newest first, so that what does not fit is of the oldest. */
export function summariseKept(keep: RetentionPlan["keep"]): Kept {
  const groups = new Map<string, Set<number>>();
  for (const { id, why } of keep)
    for (const reason of why) {
      const group = groupOf(reason);
      groups.set(group, (groups.get(group) ?? new Set()).add(parseGenerationId(id)?.seq ?? 0));
    }
  return [...groups].slice(0, reasons).map(([why, numbers]) => ({
    why: clip(why, 100),
    ...formatSequences([...numbers], rangesLength),
  }));
}
