/** From what a person types to objects: policies, runs and generations, with errors that name what there is. */
import { type BackupPolicy, type BackupRun, policies, runs } from "../api/kinds.ts";
import { parseGenerationId } from "../domain/generation.ts";
import { adoptionHint } from "./adoption-hint.ts";
import { type Generation, catalogueOf } from "./catalogue.ts";
import { Failure, exitCodes } from "./failure.ts";
import type { Invocation } from "./verb.ts";

export const listRuns = async ({ cluster, namespace }: Invocation): Promise<readonly BackupRun[]> =>
  cluster.list<BackupRun>(runs, { namespace });

const some = (names: readonly string[]): string =>
  names.length === 0 ? "there is none" : `there is: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`;

export async function getPolicy({ cluster, namespace }: Invocation, name: string): Promise<BackupPolicy> {
  const found = await cluster.get<BackupPolicy>(policies, namespace, name);
  if (found !== undefined) return found;
  const present = await cluster.list<BackupPolicy>(policies, { namespace });
  throw new Failure(
    exitCodes.notFound,
    `there is no BackupPolicy ${name} in namespace ${namespace}; ${some(present.map(({ metadata }) => metadata.name))}`,
    "kubectl get bpol -A",
  );
}

/** `42`, `000042`, or the whole id. */
const isMeant = (generation: Generation, text: string): boolean =>
  generation.id === text || (/^[0-9]{1,9}$/.test(text) && Number(text) === generation.seq);

/** The number of a generation that a person names, known or not. */
export const numberOf = (text: string): number | undefined =>
  /^[0-9]{1,6}$/.test(text) ? Number(text) : parseGenerationId(text)?.seq;

export interface Target {
  readonly all: readonly Generation[];
  readonly generation: Generation;
}

/** The one that is meant, by id, by number, or by the run that made it. @throws Failure when it is none or more than one */
export async function chooseGeneration(
  invocation: Invocation,
  listed: readonly BackupRun[],
  text: string,
): Promise<Generation> {
  const { namespace, args } = invocation;
  const policy = args.text("policy");
  const all = catalogueOf(listed).filter((generation) => policy === undefined || generation.policy === policy);
  const byRun = all.filter((generation) => generation.run.metadata.name === text);
  const found = byRun.length > 0 ? byRun : all.filter((generation) => isMeant(generation, text));
  const [only, another] = found;
  const of = policy === undefined ? `namespace ${namespace}` : `policy ${policy} in namespace ${namespace}`;
  if (only === undefined)
    throw new Failure(
      exitCodes.notFound,
      `no run in ${of} tells of a generation ${text}; ${some(all.map(({ id }) => id))}`,
      (await adoptionHint(invocation, catalogueOf(listed))) ??
        `kubectl handover list -n ${namespace}${policy === undefined ? "" : ` ${policy}`} --all`,
    );
  if (another !== undefined)
    throw new Failure(
      exitCodes.notSo,
      `${text} may be ${found.map(({ policy: name, id }) => `${id} of ${name}`).join(" or ")}; name the whole id, or the policy with --policy`,
      `kubectl handover list -n ${namespace}`,
    );
  return only;
}
