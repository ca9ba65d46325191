/** Generates docs/reference/errors.md from the error catalogue, docs/reference/cli.md from the command table, and the table of planted bugs in docs/explanation/reliability.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { allNamespaces, commonOptions } from "../operator/cli/arguments.ts";
import { exitTexts } from "../operator/cli/failure.ts";
import { usageOf } from "../operator/cli/help.ts";
import type { Option, Verb } from "../operator/cli/verb.ts";
import { verbs } from "../operator/cli/verbs.ts";
import { catalogue, type CodeEntry } from "../operator/api/codes.ts";
import { format } from "prettier";
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

const cliPreface = `# kubectl handover

Generated from \`operator/cli\` by \`make generate\`. Do not edit. [How to install it](../how-to/kubectl-plugin.md).

It uses your kubeconfig and your rights: what it reads are policies and runs, what it writes are runs, and annotations of both.
Tables are for people and may change. \`-o json\` is for scripts: fields are only added. Times are in UTC. Errors and hints go to the standard error.
`;

/** In a cell of a table a bar would end it. */
const cell = (text: string): string => text.replaceAll("|", "\\|");
const table = (rows: readonly (readonly [string, string])[]): string =>
  ["|  |  |", "| --- | --- |", ...rows.map(([left, right]) => `| ${cell(left)} | ${cell(right)} |`)].join("\n");
const flag = ({ name, short, value, help }: Option): readonly [string, string] => [
  `${short === undefined ? "" : `\`-${short}\`, `}\`--${name}${value === undefined ? "" : ` ${value}`}\``,
  help,
];

function verbSection(verb: Verb): string {
  const flags = [...verb.options, ...(verb.allNamespaces === true ? [allNamespaces] : [])];
  return [
    `## ${verb.name}`,
    `${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`,
    `    ${usageOf(verb)}`,
    ...verb.details,
    ...(flags.length === 0 ? [] : [table(flags.map(flag))]),
    verb.examples.map(([command, what]) => `    # ${what}\n    ${command}`).join("\n"),
  ].join("\n\n");
}

/** @returns the text of docs/reference/cli.md, as prettier leaves it */
export async function renderCli(): Promise<string> {
  const parts = [
    cliPreface.trimEnd(),
    ...verbs.map(verbSection),
    `## Common flags\n\n${table(commonOptions.map(flag))}`,
    `## Exit codes\n\n${table(exitTexts.map(([code, text]) => [String(code), text]))}`,
  ];
  return format(parts.join("\n\n"), { parser: "markdown", printWidth: 120 });
}

/** @returns the text of docs/explanation/reliability.md, with the table made anew */
export const renderReliability = (): string =>
  replaceBugs(readFileSync(new URL("explanation/reliability.md", import.meta.url), "utf8"), plantedBugs);

if (import.meta.main) {
  writeFileSync(new URL("reference/errors.md", import.meta.url), renderErrors());
  writeFileSync(new URL("reference/cli.md", import.meta.url), await renderCli());
  writeFileSync(new URL("explanation/reliability.md", import.meta.url), renderReliability());
}
