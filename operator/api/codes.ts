/**
 * The error catalogue: every way in which a run, a restore or a policy can stop, with what it means for the app, for the
 * data, and the command to type next. One source for status, events, documentation and tests. Codes are never reused.
 * Families: P preflight, S stop and start, D database, A archive, T transport, V verify, K keep and prune, R restore,
 * C capacity, X other.
 */

import { app } from "./codes/app.ts";
import { data } from "./codes/data.ts";
import { delivery } from "./codes/delivery.ts";
import type { CodeEntry } from "./codes/entry.ts";
import { other } from "./codes/other.ts";
import { preflight } from "./codes/preflight.ts";
import { restore } from "./codes/restore.ts";

export type { CodeEntry } from "./codes/entry.ts";

export const catalogue = { ...preflight, ...app, ...data, ...delivery, ...restore, ...other };

export type ErrorCode = keyof typeof catalogue;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets what keys it was given.
export const errorCodes = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]];

/** Reason of a condition or an event for a code on record. */
export const reasonOf = (code: ErrorCode | undefined): string =>
  code === undefined ? "Failed" : catalogue[code].reason;

/** Fills in the entry of a code. A name that is not known stays visible as `<job>`, so that the command cannot be run by mistake. */
export function explain(
  code: ErrorCode,
  names: {
    readonly namespace: string;
    readonly policy: string;
    readonly run: string;
    readonly job?: string | undefined;
    /** Digests of plans that wait for an acknowledgement. */
    readonly plan?: string | undefined;
    /** Of the former policy, and of the volume, that the message names. */
    readonly uid?: string | undefined;
    readonly volume?: string | undefined;
  },
): CodeEntry {
  const entry: CodeEntry = catalogue[code];
  const fill = (text: string): string =>
    text
      .replaceAll("{namespace}", names.namespace)
      .replaceAll("{policy}", names.policy)
      .replaceAll("{run}", names.run)
      .replaceAll("{job}", names.job ?? "<job>")
      .replaceAll("{plan}", names.plan ?? "<plan>")
      .replaceAll("{uid}", names.uid ?? "<uid in the message>")
      .replaceAll("{volume}", names.volume ?? "<volume in the message>");
  return { ...entry, next: fill(entry.next) };
}
