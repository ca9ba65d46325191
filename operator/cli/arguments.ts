/** The command line: node's parseArgs with the options of the verb, and mistakes as failures that say where the help is. */
import { parseArgs } from "node:util";
import { Failure, exitCodes, wrongUsage } from "./failure.ts";
import type { Option, Verb } from "./verb.ts";

export const commonOptions: readonly Option[] = [
  { name: "namespace", short: "n", value: "NAME", help: "namespace; that of the context by default" },
  { name: "context", value: "NAME", help: "context of the kubeconfig; the current one by default" },
  { name: "kubeconfig", value: "FILE", help: "kubeconfig; KUBECONFIG or ~/.kube/config by default" },
  {
    name: "output",
    short: "o",
    value: "table|json|name",
    help: "table by default; json has every field, name what other commands take",
  },
  { name: "help", short: "h", help: "this help" },
];
export const allNamespaces: Option = { name: "all-namespaces", short: "A", help: "all namespaces" };

export type Output = "table" | "json" | "name";

export interface Parsed {
  readonly operands: readonly string[];
  readonly text: (option: string) => string | undefined;
  readonly texts: (option: string) => readonly string[];
  readonly has: (option: string) => boolean;
  readonly output: Output;
}

type Config = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

const configOf = (options: readonly Option[]): Config =>
  Object.fromEntries(
    options.map(({ name, short, value, multiple }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        ...(short === undefined ? {} : { short }),
        ...(multiple === undefined ? {} : { multiple }),
      },
    ]),
  );

/** The verb may stand behind common options: `kubectl handover -n shop list`. @returns it, and the arguments without it */
export function splitVerb(argv: readonly string[]): {
  readonly verb: string | undefined;
  readonly rest: readonly string[];
} {
  const { tokens } = parseArgs({
    args: [...argv],
    options: configOf(commonOptions),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const found = tokens.find((token) => token.kind === "positional");
  if (found === undefined) return { verb: undefined, rest: argv };
  return { verb: found.value, rest: argv.toSpliced(found.index, 1) };
}

export const optionsOf = (verb: Verb): readonly Option[] => [
  ...verb.options,
  ...(verb.allNamespaces === true ? [allNamespaces] : []),
  ...commonOptions,
];

export function parseVerb(verb: Verb, args: readonly string[]): Parsed {
  const options = optionsOf(verb);
  const { values, positionals } = parse(verb, args, configOf(options));
  const texts = (option: string): readonly string[] => {
    const value = values[option];
    return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === "string");
  };
  const empty = options.find(({ name }) => texts(name).some((text) => text.trim() === ""));
  if (empty !== undefined) throw wrongUsage(`--${empty.name} is empty`, verb.name);
  const output = texts("output").at(-1) ?? "table";
  if (!isOutput(output)) throw wrongUsage(`-o ${output} is not one of table, json, name`, verb.name);
  return {
    operands: positionals,
    text: (option) => texts(option).at(-1),
    texts,
    has: (option) => values[option] === true,
    output,
  };
}

const isOutput = (text: string): text is Output => text === "table" || text === "json" || text === "name";

function parse(
  verb: Verb,
  args: readonly string[],
  options: Config,
): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    // Node says at length what is wrong; its first sentence suffices.
    const said = error instanceof Error ? (error.message.split(/\. |\n/)[0] ?? "") : String(error);
    throw wrongUsage(said.replace(/\.$/, ""), verb.name);
  }
}

/** Checks how many there are; which they are is the verb's. */
export function checkOperands(verb: Verb, operands: readonly string[]): void {
  const { least, most, synopsis } = verb.operands;
  if (operands.length < least) throw wrongUsage(`${verb.name} needs ${synopsis}`, verb.name);
  if (operands.length > most)
    throw wrongUsage(
      `${verb.name} takes ${most === 0 ? "no argument" : synopsis}, not also ${operands[most]}`,
      verb.name,
    );
  if (operands.some((operand) => operand.trim() === "")) throw new Failure(exitCodes.usage, "an argument is empty");
}
