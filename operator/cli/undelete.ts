/** `kubectl handover undelete`: asks the next run to take generations back from the trash. */
import { type BackupPolicy, policies } from "../api/kinds.ts";
import { annotations } from "../api/names.ts";
import { parseGenerationId } from "../domain/generation.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import { annotate } from "./annotate.ts";
import type { Parsed } from "./arguments.ts";
import { type Generation, catalogueOf } from "./catalogue.ts";
import { Failure, exitCodes, wrongUsage } from "./failure.ts";
import { getPolicy, listRuns, numberOf } from "./lookup.ts";
import { trashOf } from "./retention-rules.ts";
import { exactTime, plain } from "./table.ts";
import { type Invocation, type Verb, printJson } from "./verb.ts";

const sixDigits = (number: number): string => String(number).padStart(6, "0");

/** What is there already stays, also what is not understood: somebody else wrote it. */
export function mergeNumbers(present: string | undefined, numbers: readonly number[]): string {
  const words = (present ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const merged = [...new Set([...words, ...numbers.map(sixDigits)])].toSorted().join(",");
  // The same text is an old request: what was taken back by it and has gone again stays gone. A comma more makes it a new one.
  return merged === present ? `${merged},` : merged;
}

interface Request {
  readonly number: number;
  readonly generation: Generation | undefined;
}

interface Outlook {
  readonly location: string;
  readonly prunedAt: string;
  /** Until when it can come back; undefined when that is not known. */
  readonly until: Instant | undefined;
}

function outlookOf(generation: Generation | undefined, policy: BackupPolicy): readonly Outlook[] {
  return (generation?.copies ?? [])
    .filter(({ state }) => state === "Pruned")
    .map(({ location, time }) => {
      const at = parseInstant(time);
      return {
        location,
        prunedAt: time ?? "",
        until: at === undefined ? undefined : at + trashOf(policy),
      };
    });
}

/** Numbers and ids of the policy; an id must name the generation that has its number. */
function parseRequests(invocation: Invocation, all: readonly Generation[]): readonly Request[] {
  return namesIn(invocation.args).map((text) => {
    const number = numberOf(text) ?? 0;
    const generation = all.find(({ id }) => id === text) ?? all.find(({ seq }) => seq === number);
    if (generation !== undefined && text.length > 6 && generation.id !== text)
      throw new Failure(
        exitCodes.notSo,
        `number ${sixDigits(number)} is ${generation.id}, not ${text}`,
        "kubectl handover list --all",
      );
    return { number, generation };
  });
}

/**
 * The newest generation of a place is never removed, so what is newer than all that is known was never made. Of what is older and
 * has no run nobody can tell from here: the next prune looks into the trash.
 */
function refuseUnheard(
  requests: readonly Request[],
  { metadata, status }: BackupPolicy,
  all: readonly Generation[],
): void {
  const { lastComplete, locations = [] } = status ?? {};
  const told = [lastComplete?.generation, ...locations.map(({ newest }) => newest)];
  const newest = Math.max(0, ...all.map(({ seq }) => seq), ...told.map((id) => parseGenerationId(id ?? "")?.seq ?? 0));
  const unheard = requests.find(({ generation, number }) => generation === undefined && number > newest);
  if (newest > 0 && unheard !== undefined)
    throw new Failure(
      exitCodes.notFound,
      `no generation of ${metadata.name} has the number ${sixDigits(unheard.number)}: the newest that is known is ${sixDigits(newest)}; nothing was changed`,
      `kubectl handover list ${metadata.name} -n ${metadata.namespace} --all`,
    );
}

const tellOne = ({ number, generation }: Request, outlook: readonly Outlook[], now: Instant): string => {
  if (generation === undefined)
    return `${sixDigits(number)}: no run tells of it; if it lies in a trash, the next run finds it there, and else it stays in the annotation without effect`;
  const places = outlook.map(({ location, prunedAt, until }) => {
    const end =
      until === undefined
        ? "it may be gone"
        : until <= now
          ? `the grace time ended ${exactTime(until)}, so it may be gone`
          : `can come back until ${exactTime(until)}`;
    return `${location}: pruned ${prunedAt === "" ? "at an unknown time" : prunedAt}, ${end}`;
  });
  return `${generation.id}  ${places.join("; ")}`;
};

function checkUndelete(args: Parsed): void {
  if (args.text("policy") === undefined)
    throw wrongUsage("undelete needs --policy: numbers are those of one policy", "undelete");
  const names = namesIn(args);
  if (names.length === 0) throw wrongUsage("undelete needs NUMBER|ID...", "undelete");
  for (const text of names)
    if (numberOf(text) === undefined)
      throw wrongUsage(`${text} is neither the number nor the id of a generation`, "undelete");
}

const namesIn = ({ operands }: Parsed): readonly string[] =>
  operands.flatMap((text) => text.split(",")).filter((text) => text !== "");

async function runUndelete(invocation: Invocation): Promise<number> {
  const { args, terminal, now } = invocation;
  const name = args.text("policy") ?? "";
  const policy = await getPolicy(invocation, name);
  const { namespace } = policy.metadata;
  const all = catalogueOf(await listRuns(invocation)).filter((generation) => generation.policy === name);
  const requests = parseRequests(invocation, all);
  refuseUnheard(requests, policy, all);
  const seen = requests.map((request) => ({ request, outlook: outlookOf(request.generation, policy) }));
  const there = seen.find(({ request, outlook }) => request.generation !== undefined && outlook.length === 0);
  if (there !== undefined)
    throw new Failure(
      exitCodes.notSo,
      `${there.request.generation?.id} was pruned nowhere, so there is nothing to take back; nothing was changed`,
      `kubectl handover show -n ${namespace} ${there.request.generation?.id}`,
    );
  const numbers = requests.map(({ number }) => number);
  const written = await annotate<BackupPolicy>(invocation, policies, policy, annotations.undelete, (present) =>
    mergeNumbers(present, numbers),
  );
  const value = written.metadata.annotations?.[annotations.undelete] ?? mergeNumbers(undefined, numbers);
  if (args.output === "json") {
    printJson(invocation, {
      namespace,
      policy: name,
      annotation: value,
      generations: seen.map(({ request, outlook }) => ({
        seq: request.number,
        id: request.generation?.id ?? null,
        locations: outlook.map(({ location, prunedAt, until }) => ({
          location,
          prunedAt,
          until: until === undefined ? null : exactTime(until),
        })),
      })),
    });
  } else if (args.output === "name") terminal.out(numbers.map((number) => `${sixDigits(number)}\n`).join(""));
  else {
    terminal.out(seen.map(({ request, outlook }) => `${plain(tellOne(request, outlook, now))}\n`).join(""));
    terminal.out(
      `Asked for: the next run of ${name} takes them back before it prunes. Start one: kubectl handover now ${name} -n ${namespace}\n`,
    );
    terminal.out(
      `They are held for 7 days then, and the rules count for them again after that, or once they are released. To keep them longer: kubectl handover hold ${numbers[0] === undefined ? "NUMBER" : sixDigits(numbers[0])} -n ${namespace} --reason TEXT\n`,
    );
  }
  return exitCodes.fine;
}

export const undelete: Verb = {
  name: "undelete",
  operands: { synopsis: "NUMBER|ID...", least: 1, most: 100 },
  summary: "takes pruned generations back, as long as they lie in the trash",
  details: [
    "Adds the numbers to the annotation backup.handover.dev/undelete of the policy. The next run takes them back at every location where they lie in the trash. " +
      "A number that is higher than all that runs and the policy know is refused; of an older one that no run tells of, only the trash can say. " +
      "How long they lie there says spec.retention.trash. What was taken back is held for 7 days; release ends that earlier.",
  ],
  options: [{ name: "policy", value: "NAME", help: "policy of the generations; required" }],
  examples: [["kubectl handover undelete 12 13 -n shop --policy shop", "both come back with the next run"]],
  check: checkUndelete,
  run: runUndelete,
};
