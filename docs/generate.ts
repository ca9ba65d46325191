/** Generates docs/reference/errors.md from the error catalogue, and the table of planted bugs in docs/explanation/reliability.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { catalogue, type CodeEntry } from "../operator/api/codes.ts";
import { plantedBugs } from "../test/planted/bugs.ts";
import { replaceBugs } from "../test/planted/table.ts";

const families: Readonly<Record<string, string>> = {
  P: "Preflight: before anything is stopped",
  S: "Stopping and starting the application",
  D: "Databases",
  A: "Capture and seal",
  T: "Transport to a sink",
  V: "Verification at a sink",
  K: "Keeping and pruning",
  R: "Restore",
  C: "Capacity",
  X: "Everything else",
};

const preface = `# Error codes

Generated from \`operator/api/codes\` by \`make generate\`. Do not edit.

A run or restore that did not end well has a code in \`status.code\`, and in \`status.advice\` one line that says what happened, what it means
for the application and for the data, and what to do next. The same is in the conditions and events, whose reason is the word behind the code.
Codes are never used twice for different things.

In the commands, replace what is in angle brackets.
`;

const shown = (next: string): string =>
  next.replaceAll(/\{(\w+)\}/g, "<$1>").replace(/(kubectl|helm) .*$/, (command) => `\`${command}\``);

function section(code: string, { reason, what, app, data, next }: CodeEntry): string {
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  return [
    `### ${code} ${reason}`,
    what,
    `- App: ${capital(app)}.\n- Data: ${capital(data)}.\n- Next: ${shown(next)}`,
  ].join("\n\n");
}

/** @returns the text of docs/reference/errors.md */
export function renderErrors(): string {
  const entries: readonly (readonly [string, CodeEntry])[] = Object.entries(catalogue).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const parts = Object.entries(families).map(([letter, title]) => {
    const own = entries.filter(([code]) => code.startsWith(`HO-${letter}`));
    return [`## ${title}`, ...own.map(([code, entry]) => section(code, entry))].join("\n\n");
  });
  return `${[preface.trimEnd(), ...parts].join("\n\n")}\n`;
}

/** @returns the text of docs/explanation/reliability.md, with the table made anew */
export const renderReliability = (): string =>
  replaceBugs(readFileSync(new URL("explanation/reliability.md", import.meta.url), "utf8"), plantedBugs);

if (import.meta.main) {
  writeFileSync(new URL("reference/errors.md", import.meta.url), renderErrors());
  writeFileSync(new URL("explanation/reliability.md", import.meta.url), renderReliability());
}
