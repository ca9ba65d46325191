/** `kubectl handover adopt`: asks the operator to make runs of the generations at a location, after the records of them were lost. */
import { type BackupPolicy, policies } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { annotate } from "./annotate.ts";
import { Failure, exitCodes } from "./failure.ts";
import { follow } from "./following.ts";
import { getPolicy } from "./lookup.ts";
import { exactTime, plain } from "./table.ts";
import { type Invocation, type Verb, printJson } from "./verb.ts";

type Adoption = NonNullable<NonNullable<BackupPolicy["status"]>["adoption"]>;

/** Without a word, the first sink: it keeps more than the source, and is what is left when the source is not. */
function locationAsked({ args }: Invocation, { metadata, spec }: BackupPolicy): string {
  const places = [...spec.sinks.map(({ name }) => name), "source"];
  const asked = args.text("from") ?? places[0] ?? "source";
  if (places.includes(asked)) return asked;
  throw new Failure(
    exitCodes.notSo,
    `policy ${metadata.name} has no location ${asked}; it has: ${places.join(", ")}`,
    `kubectl -n ${metadata.namespace} get bpol ${metadata.name} -o yaml`,
  );
}

const lineOf = ({ location, state, adopted = 0, found, code, message = "" }: Adoption): string => {
  if (state === "Done") return `Done: ${message}`;
  if (state === "Failed") return `Failed: ${code ?? ""} ${message}`;
  return `Listing ${location}${found === undefined ? "" : `: ${adopted} of ${found} so far`}`;
};

async function runAdopt(invocation: Invocation): Promise<number> {
  const { args, terminal, now } = invocation;
  const policy = await getPolicy(invocation, args.operands[0] ?? "");
  const { namespace, name } = policy.metadata;
  const location = locationAsked(invocation, policy);
  // The moment makes it another request than the one before.
  const request = `${location} ${exactTime(now)}`;
  await annotate<BackupPolicy>(invocation, policies, policy, annotations.adopt, () => request);
  const isTable = args.output === "table";
  if (isTable)
    terminal.out(
      `Asked for: a run for each generation at ${location} that has none. Runs that are there stay as they are, but those that were adopted learn of their copies there. Nothing is removed.\n`,
    );
  if (args.output === "name") terminal.out(`${name}\n`);
  if (!args.has("wait")) {
    if (args.output === "json") printJson(invocation, { namespace, policy: name, location, annotation: request });
    if (isTable) terminal.out(`Follow: kubectl -n ${namespace} get bpol ${name} -o jsonpath='{.status.adoption}'\n`);
    return exitCodes.fine;
  }
  const own = ({ status }: BackupPolicy): Adoption | undefined =>
    status?.adoption?.request === request ? status.adoption : undefined;
  const ended = await follow<BackupPolicy>(invocation, {
    resource: policies,
    object: policy,
    lineOf: (seen) => {
      const adoption = own(seen);
      return plain(adoption === undefined ? "waits for the controller" : lineOf(adoption));
    },
    isOver: (seen) => (own(seen)?.state ?? "Listing") !== "Listing",
    goesOn: `The adoption goes on.\n  Follow: kubectl -n ${namespace} get bpol ${name} -o jsonpath='{.status.adoption}'`,
  });
  if (ended === undefined) return exitCodes.interrupted;
  const adoption = own(ended);
  if (args.output === "json") printJson(invocation, { namespace, policy: name, ...adoption, step: undefined });
  if (adoption?.state === "Done") return exitCodes.fine;
  throw new Failure(
    exitCodes.notSo,
    `${adoption?.code ?? ""} ${adoption?.message ?? ""}`.trim(),
    adoption?.code === "HO-P106"
      ? `kubectl -n ${namespace} annotate bpol ${name} ${annotations.adoptLineage}=<uid in the message>    then the same command again`
      : `kubectl -n ${namespace} describe bpol ${name}`,
  );
}

export const adopt: Verb = {
  name: "adopt",
  operands: { synopsis: "POLICY", least: 1, most: 1 },
  summary: "makes runs of the generations at a location, after the records of them or the whole cluster were lost",
  details: [
    "Writes the annotation backup.handover.dev/adopt to the policy. The operator lists the location in Jobs that only read, and creates a finished BackupRun, named by policy and number, for each generation that has none. " +
      "Existing runs are never overwritten, and nothing is pruned by it. " +
      "Runs that were made of one location learn of the copies at another when that is adopted as well; so adopt each location that has its claim still.",
    "A policy that was made anew is refused with HO-P106, which names the former one: say that it is the same application with the annotation backup.handover.dev/adopt-lineage, then ask again.",
    "Restores do not need it: they look at the locations themselves.",
  ],
  options: [
    { name: "from", value: "LOCATION", help: "source, or the name of a sink; the first sink by default" },
    { name: "wait", help: "follow it to its end" },
  ],
  examples: [["kubectl handover adopt shop -n shop --from vault --wait", "list shows what lies at the sink again"]],
  run: runAdopt,
};
