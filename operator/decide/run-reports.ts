/** What the movers of a run report, in words for people; and what of it is trouble although the step was carried out. */
import { type ErrorCode, errorCodes } from "../api/codes.ts";
import type { MoverSuccess, ResultOf } from "../contract/result.ts";
import { count, formatBytes } from "../domain/quantities.ts";
import { resultOf } from "./job-state.ts";
import { clip } from "../domain/text.ts";

/** A refusal begins with its code. */
function refusalOf(text: string): { readonly code: ErrorCode; readonly why: string } {
  const code = errorCodes.find((known) => text.startsWith(`${known}: `));
  return code === undefined ? { code: "HO-K702", why: text } : { code, why: text.slice(code.length + 2) };
}

/** The code of a step that was carried out and yet did not do what it is for: a prune that would not remove anything. */
export function troubleIn(results: readonly MoverSuccess[]): ErrorCode | undefined {
  const refused = resultOf(results, "prune")?.refused;
  return refused === undefined ? undefined : refusalOf(refused).code;
}

function describePrune({
  location,
  refused,
  removed,
  removedInAll,
  tookBack,
  trash,
  warnings,
}: ResultOf<"prune">): string {
  const until = trash?.until === undefined ? "" : `, the first until ${trash.until}`;
  return [
    refused === undefined
      ? `${count(location.generations, "generation")} kept, ${removedInAll ?? removed.length} removed`
      : `nothing was removed at ${location.name}: ${refusalOf(refused).why}`,
    ...(tookBack === undefined ? [] : [`took back ${tookBack.join(", ")}`]),
    ...(trash === undefined ? [] : [`${trash.generations} in the trash with ${formatBytes(trash.bytes)}${until}`]),
    ...(warnings ?? []),
  ].join("; ");
}

export function describe(results: readonly MoverSuccess[]): string {
  const texts = results.map((result): string => {
    switch (result.step) {
      case "preflight":
        return [
          `${count(result.files, "file")}, ${formatBytes(result.bytes)}`,
          ...result.databases.map((db) => `${db.name} on PostgreSQL ${db.serverVersion}`),
          ...(result.base === undefined ? [] : "id" in result.base ? [`based on ${result.base.id}`] : []),
          ...result.warnings,
        ].join("; ");
      case "warm":
        return `mirror up to date, ${count(result.files, "file")}, ${formatBytes(result.bytes)}`;
      case "dump":
        return `${count(result.tables, "table")}, ${count(result.rows, "row")}, ${formatBytes(result.storedBytes)} stored`;
      case "archive":
        return [
          `${count(result.files, "file")}, ${formatBytes(result.bytes)}, ${formatBytes(result.storedBytes)} stored`,
          ...result.warnings,
        ].join("; ");
      case "collect":
        return result.unchanged === undefined
          ? [
              [
                ...(result.objects === 0
                  ? []
                  : [`${count(result.files, "key")} of ${count(result.objects, "object")}`]),
                ...(result.volumeFiles === undefined ? [] : [count(result.volumeFiles, "file")]),
                formatBytes(result.bytes),
              ].join(", "),
              ...(result.warnings ?? []),
            ].join("; ")
          : `no change since ${result.unchanged}`;
      case "seal":
        return `sealed ${result.id}`;
      case "transport":
        return `${count(result.delivered.length, "generation")}, ${formatBytes(result.bytes)}, ${formatBytes(result.bytes / Math.max(result.seconds, 0.001))}/s`;
      case "verify":
        return `${formatBytes(result.bytes)} read again, ${count(result.verified.length, "generation")} verified${result.damaged.length === 0 ? "" : `, DAMAGED: ${result.damaged.join(", ")}`}`;
      case "prune":
        return describePrune(result);
      default:
        return "";
    }
  });
  return clip(texts.filter((text) => text !== "").join("; "), 900);
}
