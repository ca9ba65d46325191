/** `kubectl handover now`: starts a run, and follows it to its end when asked to. */
import { isFinished } from "../api/conditions.ts";
import { type BackupPolicy, type BackupRun, type RestoreRequest, apiVersion, restores, runs } from "../api/kinds.ts";
import { annotations, labels } from "../api/names.ts";
import { ApiError } from "../cluster/errors.ts";
import { type GenerationType, generationTypes } from "../domain/generation.ts";
import { adviceLines } from "./advice-text.ts";
import type { Parsed } from "./arguments.ts";
import { typeNamed } from "./catalogue.ts";
import { Failure, exitCodes, wrongUsage } from "./failure.ts";
import { follow } from "./following.ts";
import { getPolicy, listRuns } from "./lookup.ts";
import { plain } from "./table.ts";
import { type Invocation, type Verb, printJson } from "./verb.ts";

function typeAsked(args: Parsed): GenerationType | undefined {
  const text = args.text("type");
  if (text === undefined) return undefined;
  const type = typeNamed(text);
  if (type === undefined) throw wrongUsage(`--type ${text} is not one of ${generationTypes.join(", ")}`, "now");
  return type;
}

function sinksAsked({ args }: Invocation, policy: BackupPolicy): readonly string[] {
  const asked = args.texts("sinks").flatMap((text) => text.split(",").map((name) => name.trim()));
  const known = policy.spec.sinks.map(({ name }) => name);
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Failure(
      exitCodes.notFound,
      `policy ${policy.metadata.name} has no sink ${unknown === "" ? "without a name" : unknown}; it has: ${known.join(", ")}`,
      `kubectl -n ${policy.metadata.namespace} get bpol ${policy.metadata.name} -o yaml`,
    );
  return [...new Set(asked)];
}

async function start(invocation: Invocation, policy: BackupPolicy): Promise<BackupRun> {
  const type = typeAsked(invocation.args);
  const sinks = sinksAsked(invocation, policy);
  const { name } = policy.metadata;
  const body = {
    apiVersion: apiVersion(runs),
    kind: runs.kind,
    metadata: { generateName: `${name}-now-`, namespace: policy.metadata.namespace, labels: { [labels.policy]: name } },
    spec: { policyName: name, ...(type === undefined ? {} : { type }), ...(sinks.length === 0 ? {} : { sinks }) },
  };
  // The server makes up the name; that it exists already is chance, and once is enough of that.
  for (let attempt = 1; attempt <= 3; attempt++) {
    const made = await invocation.cluster.create<BackupRun>(runs, policy.metadata.namespace, body);
    if (made !== "exists") return made;
  }
  throw new Failure(exitCodes.notSo, "no free name for the run was found", "kubectl handover now --help");
}

/** What the cluster lists, or nothing when it may not be listed: whoever may only create has the controller to say no. */
async function ifListed<T>(listing: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await listing;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  }
}

/** One run or restore of a policy is active at a time, and the controller refuses the second: a run that ends at once is no backup. */
async function refuseWhileActive(invocation: Invocation, policy: string): Promise<void> {
  const { cluster, namespace } = invocation;
  const isActive = (other: BackupRun | RestoreRequest): boolean =>
    other.spec.policyName === policy && !isFinished(other);
  const run = (await ifListed(listRuns(invocation))).find(isActive);
  // A plan that waits for a person blocks nothing.
  const restore = (await ifListed(cluster.list<RestoreRequest>(restores, { namespace }))).find(
    (other) => isActive(other) && !other.spec.planOnly,
  );
  const active = run ?? restore;
  if (active === undefined) return;
  const [short, what] = run === undefined ? ["rreq", "restore"] : ["brun", "run"];
  const { name } = active.metadata;
  throw new Failure(
    exitCodes.notSo,
    `no run was started: the ${what} ${name} of policy ${policy} is not over, and a policy has one at a time`,
    `kubectl -n ${namespace} wait ${short}/${name} --for=condition=Finished --timeout=6h    (then start it again)`,
  );
}

/** Why the generation is a full one belongs to the run and not to a phase: it is told once. */
const fullInstead = /(^|; )Full instead of .*$/s;

function linesOf(): (run: BackupRun) => string {
  let told: string | undefined;
  return ({ status }) => {
    const message = status?.display?.message ?? "";
    const short = lineOf(status, message.replace(fullInstead, ""));
    if (!fullInstead.test(message) || (told !== undefined && told !== short)) return short;
    told = short;
    return lineOf(status, message);
  };
}

const lineOf = (status: BackupRun["status"], message: string): string => {
  const phase = status?.phase ?? "waits for the controller";
  return plain([phase.padEnd(16), `App ${status?.app ?? "Unknown"}`, ...(message === "" ? [] : [message])].join("  "));
};

function tellEnd({ terminal }: Invocation, { metadata, status }: BackupRun): void {
  const result = status?.result ?? "";
  const id = status?.generation?.id;
  const downtime = status?.downtime ?? "";
  terminal.out(
    `${plain([`${metadata.name} is ${result === "" ? "over" : result}`, `App ${status?.app ?? "Unknown"}`, ...(id === undefined ? ["no generation"] : [`generation ${id}`]), ...(downtime === "" ? [] : [`downtime ${downtime}`])].join(", "))}\n`,
  );
  const advice = status?.advice ?? "";
  if (advice !== "") terminal.err(adviceLines(advice));
}

async function runNow(invocation: Invocation): Promise<number> {
  const { args, terminal } = invocation;
  const policy = await getPolicy(invocation, args.operands[0] ?? "");
  const { namespace, name } = policy.metadata;
  await refuseWhileActive(invocation, name);
  const run = await start(invocation, policy);
  if (args.output === "name") terminal.out(`${run.metadata.name}\n`);
  if (args.output === "table") terminal.out(`BackupRun ${run.metadata.name} was created\n`);
  if (!args.has("wait")) {
    if (args.output === "json") printJson(invocation, run);
    if (args.output === "table") terminal.out(`Follow: kubectl -n ${namespace} get brun ${run.metadata.name} -w\n`);
    return exitCodes.fine;
  }
  const ended = await follow<BackupRun>(invocation, {
    resource: runs,
    object: run,
    lineOf: linesOf(),
    isOver: isFinished,
    goesOn: `The run ${run.metadata.name} goes on.
  Follow:  kubectl -n ${namespace} get brun ${run.metadata.name} -w
  Stop it: kubectl -n ${namespace} annotate brun ${run.metadata.name} ${annotations.cancel}=true`,
  });
  if (args.output === "json") printJson(invocation, ended ?? run);
  if (ended === undefined) return exitCodes.interrupted;
  if (args.output === "table") tellEnd(invocation, ended);
  return ended.status?.result === "Complete" ? exitCodes.fine : exitCodes.notSo;
}

export const now: Verb = {
  name: "now",
  operands: { synopsis: "POLICY", least: 1, most: 1 },
  summary: "starts a backup run, and with --wait follows it to its end",
  details: [
    "Creates a BackupRun, as kubectl create would. Without --type it is a Full one, and the app is stopped as the policy says; Database captures the databases only, while the app runs.",
    "A policy has one run or restore at a time: while another is not over nothing is started, and the exit code is 1. A restore that is only a plan is none of them.",
    "With --wait, Ctrl-C ends the following and not the run. The exit code is 0 for Complete and 1 for AtRisk and Failed, whose advice is printed.",
  ],
  options: [
    { name: "type", value: "TYPE", help: generationTypes.join(", ") + "; Full by default" },
    { name: "sinks", value: "A,B", multiple: true, help: "sinks that the generation goes to; all by default" },
    { name: "wait", help: "follow the run to its end, one line for each change of phase" },
  ],
  examples: [
    ["kubectl handover now shop -n shop --wait", "a full backup; the exit code says whether it is Complete"],
    ["kubectl handover now shop -n shop --type Database --sinks vault", "the databases, to one sink"],
  ],
  check: typeAsked,
  run: runNow,
};
