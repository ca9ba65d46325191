/** Help texts, from the command table. */
import { allNamespaces, commonOptions } from "./arguments.ts";
import { exitTexts } from "./failure.ts";
import type { Option, Verb } from "./verb.ts";

const optionName = ({ name, short, value }: Option): string =>
  `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;

function columns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

const options = (list: readonly Option[]): string => columns(list.map((option) => [optionName(option), option.help]));

/** At most `width` characters a line, broken between words. */
export function wrap(text: string, width = 100): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join("\n");
}

const exitSection = `Exit codes:\n${columns(exitTexts.map(([code, text]) => [String(code), text]))}`;

export const usageOf = (verb: Verb): string => `kubectl handover ${verb.name} ${verb.operands.synopsis} [flags]`;

export const verbHelp = (verb: Verb): string =>
  [
    `${verb.name}: ${verb.summary}\n`,
    `Usage: ${usageOf(verb)}\n`,
    ...verb.details.map((paragraph) => `${wrap(paragraph)}\n`),
    `Examples:\n${verb.examples.map(([command, what]) => `  # ${what}\n  ${command}\n`).join("")}`,
    ...(verb.options.length === 0 && verb.allNamespaces !== true
      ? []
      : [`Flags:\n${options([...verb.options, ...(verb.allNamespaces === true ? [allNamespaces] : [])])}`]),
    `Common flags:\n${options(commonOptions)}`,
    exitSection,
  ].join("\n");

export const generalHelp = (verbs: readonly Verb[]): string =>
  [
    "kubectl handover: backups, and what becomes of them\n",
    "Usage: kubectl handover VERB [arguments] [flags]\n",
    `Verbs:\n${columns(verbs.map((verb) => [`${verb.name} ${verb.operands.synopsis}`, verb.summary]))}`,
    `Common flags:\n${options(commonOptions)}`,
    exitSection,
    "kubectl handover VERB --help says more of each, with examples.\n",
  ].join("\n");
