/** The test cluster's command line: see `options.ts` for the usage. */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { buildImage } from "./images.ts";
import { loadArchive } from "./load.ts";
import { withLock } from "./lock.ts";
import { enterArgs, nodePid } from "./node.ts";
import { type Command, type Options, parseOptions, usage } from "./options.ts";
import { BedError, cacheRoot, toolDir } from "./paths.ts";
import { stopWork } from "./processes.ts";
import { say } from "./progress.ts";
import { bareExists, bareStatus, downBare, upBare } from "./provider-bare.ts";
import { downExisting, existingStatus, upExisting } from "./provider-existing.ts";
import { downKind, kindStatus, upKind } from "./provider-kind.ts";
import { chooseProvider, type Provider, type Status, type UpOptions } from "./provider.ts";

const ups: Readonly<Record<Provider, (options: UpOptions) => Promise<Status>>> = {
  bare: upBare,
  kind: upKind,
  existing: upExisting,
};

/** Each says the exit code. */
const commands: Readonly<Record<Command, (options: Options) => Promise<number>>> = {
  up: async (options) => {
    const { name, kubeconfig } = await exclusively(options.name, () => up(options));
    say(`cluster ${name} is ready:\n  export KUBECONFIG=${kubeconfig} PATH=${toolDir}:$PATH`);
    return 0;
  },
  down: async ({ name }) => {
    await exclusively(name, () => down(name));
    say(`cluster ${name} is gone`);
    return 0;
  },
  status: async ({ name, json }) => {
    const status = await find(name);
    const text = json ? JSON.stringify(status ?? { name, ready: false }) : describe(name, status);
    process.stdout.write(`${text}\n`);
    return status?.ready === true ? 0 : 1;
  },
  kubeconfig: async ({ name }) => {
    process.stdout.write(`${(await running(name)).kubeconfig}\n`);
    return 0;
  },
  exec: async (options) => exec(options),
  image: async (options) => {
    await image(options);
    return 0;
  },
  "load-image": async ({ name, cluster, archive }) => {
    const file = required(archive, "--archive FILE");
    await loadArchive(await running(cluster ?? name), file, file);
    return 0;
  },
};

/** What to undo after a signal. */
let cleaning: (() => Promise<void>) | undefined;

async function main(): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void interrupted(signal));
  const options = parseOptions(process.argv.slice(2));
  if (options !== undefined) return commands[options.command](options);
  process.stdout.write(usage);
  return 0;
}

async function interrupted(signal: string): Promise<void> {
  stopWork();
  if (cleaning !== undefined) {
    say(`${signal}: removing what was begun`);
    await cleaning().catch((error: unknown) => say(`error: ${errorText(error)}`));
  }
  process.exit(130);
}

/** One `up` or `down` of a cluster at a time. */
function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(cacheRoot(), "locks", `${name}.lock`), work);
}

async function up(options: Options): Promise<Status> {
  const provider = await chooseProvider(options.provider);
  // A cluster that ran before is not ours to remove.
  if ((await find(options.name))?.ready !== true) cleaning = () => down(options.name);
  return ups[provider](options);
}

/** Needs no knowledge of how the cluster was made, so that it works after a crash too. */
async function down(name: string): Promise<void> {
  if (bareExists(name)) await downBare(name);
  await downKind(name);
  downExisting(name);
}

async function find(name: string): Promise<Status | undefined> {
  return (await bareStatus(name)) ?? (await kindStatus(name)) ?? (await existingStatus(name));
}

async function running(name: string): Promise<Status> {
  const status = await find(name);
  if (status?.ready === true) return status;
  throw new BedError(`cluster ${name} does not run`, `start it: node test/cluster/bed/cli.ts up --name ${name}`);
}

function describe(name: string, status: Status | undefined): string {
  if (status === undefined) return `${name}: no such cluster`;
  const { provider, ready, kubeconfig, auditLog } = status;
  return [
    `${name}: ${ready ? "ready" : "not ready"} (${provider})`,
    `kubeconfig: ${kubeconfig}`,
    `audit log: ${auditLog ?? "none"}`,
  ].join("\n");
}

async function image(options: Options): Promise<void> {
  const tag = required(options.tag, "--tag NAME");
  const target = options.cluster === undefined ? undefined : await running(options.cluster);
  const archive = await buildImage({ ...options, tag });
  if (target === undefined) say(`image ${tag}: ${(statSync(archive).size / 1e6).toFixed(0)} MB, ${archive}`);
  else await loadArchive(target, archive, tag);
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new BedError(`${option} is missing`, "see --help");
  return value;
}

function exec({ name, rest }: Options): number {
  const pid = nodePid(name);
  if (pid === undefined) throw new BedError(`no bare cluster ${name} runs`, "see the status command");
  if (rest.length === 0) throw new BedError("no program given", "exec --name NAME -- PROGRAM ARGS...");
  return spawnSync("nsenter", [...enterArgs(pid), ...rest], { stdio: "inherit" }).status ?? 1;
}

process.exitCode = await main().catch((error: unknown) => {
  say(error instanceof BedError ? `error: ${error.message}\nnext: ${error.next}` : `error: ${errorText(error)}`);
  return 1;
});

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
