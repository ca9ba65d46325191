/** Tables and paragraphs for people. No colour and no width of a terminal: what is piped looks the same. */
import { type Instant, formatInstant } from "../domain/instant.ts";
import { formatDuration } from "../domain/quantities.ts";

/** What would break a line or steer a terminal; texts come from objects that others write. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
export const plain = (text: string): string => text.replaceAll(unprintable, " ");

/** Columns as wide as their widest cell, two spaces between them; an empty cell is a dash. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[], indent = ""): string {
  const lengthOf = (cell: string): number => Array.from(cell).length;
  const cells = [head, ...rows.map((row) => head.map((_, at) => plain(row[at] ?? "") || "-"))];
  const widths = head.map((_, at) => Math.max(...cells.map((row) => lengthOf(row[at] ?? ""))));
  const pad = (cell: string, width: number): string => cell + " ".repeat(width - lengthOf(cell));
  return cells
    .map((row) => `${indent}${row.map((cell, at) => pad(cell, widths[at] ?? 0)).join("  ")}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}

/** `Type        Full`, one line for each that has a value. */
export function renderFields(fields: readonly (readonly [name: string, value: string | undefined])[]): string {
  const shown = fields.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(...shown.map(([name]) => name.length)) + 2;
  return shown.map(([name, value = ""]) => `${name.padEnd(width)}${plain(value)}\n`).join("");
}

/** `2026-11-21 01:02`, in UTC as the header says. */
export const shortTime = (at: Instant | undefined): string =>
  at === undefined ? "" : formatInstant(at).slice(0, 16).replace("T", " ");

/** To the second, as Kubernetes writes it. */
export const exactTime = (at: Instant): string => `${formatInstant(at).slice(0, 19)}Z`;

export const age = (at: Instant | undefined, now: Instant): string =>
  at === undefined ? "" : formatDuration(Math.max(0, Math.floor((now - at) / 1_000) * 1_000) || 1_000);
