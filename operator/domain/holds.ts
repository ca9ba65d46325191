/**
 * Holds: generations that are pinned against retention, with a reason and an end. One that cannot be understood holds all the same
 * and for ever: whoever wrote it wanted something to stay.
 */
import { type Instant, formatInstant, parseInstant } from "./instant.ts";
import { clip } from "./text.ts";

export interface Hold {
  /** RFC 3339 in UTC; `forever` has no end. */
  readonly until: string;
  readonly reason: string;
}

export const forever = "forever";

/** Why what a prune has brought back stays for some days. */
export const takenBackReason = "taken back out of the trash";

/** How long that is, whatever the rules say. */
export const graceOfTakenBack = 7 * 86_400_000;

/** The reason of a hold that a person has ended: its end is the moment of that, and ends what was taken back before as well. Of words that nobody gives as a reason. */
export const releasedReason = "released with what was taken back";

/** When what was taken back out of the trash is let go. @param ofRun the hold in the annotation of its run */
export function endOfTakenBack(until: string, ofRun: Hold | undefined): string {
  const end = parseInstant(until);
  const released = ofRun?.reason === releasedReason ? parseInstant(ofRun.until) : undefined;
  // One of before says nothing of what was taken back since.
  const isMeant = end !== undefined && released !== undefined && released >= end - graceOfTakenBack && released < end;
  return isMeant ? formatInstant(released) : until;
}

/** So that it fits into a plan and a task, however long the annotation is. */
const longestReason = 200;

/** @param text `<RFC 3339 or forever> <reason>`, the annotation of a run */
export function parseHold(text: string): { readonly hold: Hold; readonly unreadable: boolean } {
  const [until = "", ...words] = text.trim().split(/\s+/);
  const reason = words.join(" ").slice(0, longestReason);
  if (until === forever)
    return { hold: { until, reason: reason === "" ? "no reason given" : reason }, unreadable: false };
  const at = parseInstant(until);
  if (at === undefined)
    return { hold: { until: forever, reason: `unreadable hold: ${clip(text.trim(), 60)}` }, unreadable: true };
  return {
    hold: { until: formatInstant(at), reason: reason === "" ? "no reason given" : reason },
    unreadable: false,
  };
}

/** One whose end cannot be read has none. */
export function isInForce({ until }: Hold, now: Instant): boolean {
  const at = until === forever ? undefined : parseInstant(until);
  return at === undefined || now < at;
}

/** Why a generation stays, for people. */
export const tellHold = ({ until, reason }: Hold): string =>
  clip(until === forever ? `held: ${reason}` : `held until ${until}: ${reason}`, 100);
