/** The command line. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { BedError, defaultKubeconfig, parseName } from "./paths.ts";
import type { Provider } from "./provider.ts";

export const usage = `usage: node test/cluster/bed/cli.ts COMMAND [options]

  up          starts a cluster, or finds it running, and writes its kubeconfig
  down        removes it without a trace
  status      says how it is (--json)
  kubeconfig  prints the path of its kubeconfig
  exec -- PROGRAM ARGS...  runs a program inside the node (bare only)
  image       builds an image: --dockerfile FILE --context DIR --tag NAME [--build-arg K=V]... [--cluster NAME]
  load-image  loads an image archive: --archive FILE

  --name NAME        name of the cluster (default: handover)
  --provider auto|bare|kind|existing
                     auto: kind where a Docker daemon answers, else bare (Linux, root)
  --kubeconfig PATH  where to write it (default: .cluster/NAME/kubeconfig)
  --port PORT        port of the API server on the loopback (default: a free one)
`;

const commands = ["up", "down", "status", "kubeconfig", "exec", "image", "load-image"] as const;
export type Command = (typeof commands)[number];
const providers = ["auto", "bare", "kind", "existing"] as const;

export interface Options {
  readonly command: Command;
  readonly name: string;
  readonly provider: Provider | "auto";
  readonly kubeconfig: string;
  readonly port: number | undefined;
  readonly json: boolean;
  readonly dockerfile: string;
  readonly context: string;
  readonly tag: string | undefined;
  readonly buildArgs: readonly string[];
  readonly cluster: string | undefined;
  readonly archive: string | undefined;
  /** What follows the command: the program for `exec`. */
  readonly rest: readonly string[];
}

/** Undefined: the user wants to read the usage. */
export function parseOptions(argv: readonly string[]): Options | undefined {
  const { values, positionals } = parse(argv);
  const [command, ...rest] = positionals;
  if (values.help === true || command === undefined) return undefined;
  if (!isOneOf(commands, command)) throw new BedError(`unknown command ${JSON.stringify(command)}`, "see --help");
  if (rest.length > 0 && command !== "exec") throw new BedError(`too many arguments: ${rest.join(" ")}`, "see --help");
  const provider = values.provider ?? "auto";
  if (!isOneOf(providers, provider)) {
    throw new BedError(`unknown provider ${JSON.stringify(provider)}`, `use one of ${providers.join(", ")}`);
  }
  const name = parseName(values.name ?? "handover");
  return {
    command,
    name,
    provider,
    kubeconfig: values.kubeconfig === undefined ? defaultKubeconfig(name) : resolve(values.kubeconfig),
    port: values.port === undefined ? undefined : parsePort(values.port),
    json: values.json === true,
    dockerfile: resolve(values.dockerfile ?? "Dockerfile"),
    context: resolve(values.context ?? "."),
    tag: values.tag,
    buildArgs: values["build-arg"] ?? [],
    cluster: values.cluster === undefined ? undefined : parseName(values.cluster),
    archive: values.archive === undefined ? undefined : resolve(values.archive),
    rest,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        json: { type: "boolean" },
        name: { type: "string" },
        provider: { type: "string" },
        kubeconfig: { type: "string" },
        port: { type: "string" },
        dockerfile: { type: "string" },
        context: { type: "string" },
        tag: { type: "string" },
        "build-arg": { type: "string", multiple: true },
        cluster: { type: "string" },
        archive: { type: "string" },
      },
    });
  } catch (error) {
    throw new BedError(error instanceof Error ? error.message : String(error), "see --help");
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new BedError(`not a port: ${JSON.stringify(text)}`, "use a number from 1 to 65535, or leave the option away");
}

function isOneOf<const T extends string>(values: readonly T[], text: string): text is T {
  return (values as readonly string[]).includes(text);
}
