/** From a command line to an exit code: finds the verb, connects with the user's own rights, and says what went wrong. */
import { createClient } from "../cluster/client.ts";
import { type Connection, connect } from "../cluster/connection.ts";
import { type PersonalAccess, KubeConfigError, loadPersonalKubeConfig } from "../cluster/kubeconfig.ts";
import { version } from "../version.ts";
import { type Parsed, checkOperands, parseVerb, splitVerb } from "./arguments.ts";
import { exitCodes, failureOf, renderFailure, wrongUsage } from "./failure.ts";
import { generalHelp, verbHelp } from "./help.ts";
import { type Terminal, processTerminal } from "./terminal.ts";
import { verbs } from "./verbs.ts";

const open = (access: PersonalAccess): Connection => {
  try {
    return connect(access.config, { userAgent: `kubectl-handover/${version}` });
  } catch (error) {
    // What connect refuses is a matter of the kubeconfig.
    throw new KubeConfigError(error instanceof Error ? error.message : String(error));
  }
};

const accessOf = (args: Parsed, terminal: Terminal): PersonalAccess =>
  loadPersonalKubeConfig({ path: args.text("kubeconfig"), context: args.text("context"), env: terminal.env });

async function runVerb(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { verb: name, rest } = splitVerb(argv);
  if (name === undefined || name === "help") {
    if (name === undefined && rest.includes("--version")) {
      terminal.out(`kubectl-handover ${version}\n`);
      return exitCodes.fine;
    }
    const asked = name === "help" || rest.includes("--help") || rest.includes("-h");
    const about = verbs.find((verb) => name === "help" && rest.includes(verb.name));
    (asked ? terminal.out : terminal.err)(about === undefined ? generalHelp(verbs) : verbHelp(about));
    return asked ? exitCodes.fine : exitCodes.usage;
  }
  const verb = verbs.find((one) => one.name === name);
  if (verb === undefined)
    throw wrongUsage(`there is no verb ${name}; there is: ${verbs.map((one) => one.name).join(", ")}`);
  // Help is given whatever else is wrong with the line.
  if (rest.includes("--help") || rest.includes("-h")) {
    terminal.out(verbHelp(verb));
    return exitCodes.fine;
  }
  const args = parseVerb(verb, rest);
  checkOperands(verb, args.operands);
  verb.check?.(args);
  const access = accessOf(args, terminal);
  const connection = open(access);
  try {
    const cluster = createClient(connection, terminal.attempts === undefined ? {} : { attempts: terminal.attempts });
    const namespace = args.has("all-namespaces") ? "" : (args.text("namespace") ?? access.namespace);
    return await verb.run({ cluster, namespace, args, terminal, now: terminal.now() });
  } finally {
    await connection.close();
  }
}

export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await runVerb(argv, terminal);
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    terminal.err(renderFailure(failure));
    return failure.exitCode;
  }
}

/** For the entries: the process's own arguments and streams. */
export async function runCliProcess(argv: readonly string[]): Promise<void> {
  // `| head` has read enough, and is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.fine);
  });
  process.exitCode = await runCli(argv, processTerminal());
}
