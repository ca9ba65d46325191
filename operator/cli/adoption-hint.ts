/** Where generations lie that no run tells of, and the command that makes runs of them. */
import { type BackupPolicy, policies } from "../api/kinds.ts";
import { ApiError } from "../cluster/errors.ts";
import type { Generation } from "./catalogue.ts";
import type { Invocation } from "./verb.ts";

export const adoptCommand = (namespace: string, policy: string, location: string): string =>
  `kubectl handover adopt ${policy} -n ${namespace} --from ${location} --wait`;

/** The location that has most beyond what runs tell of; of two that have as much a sink, which keeps more. */
export function unknownAt(
  { metadata, spec, status }: BackupPolicy,
  all: readonly Generation[],
): { readonly location: string; readonly found: number; readonly next: string } | undefined {
  const own = all.filter(({ namespace, policy }) => namespace === metadata.namespace && policy === metadata.name);
  const beyond = [...spec.sinks.map(({ name }) => name), "source"].flatMap((location) => {
    const found = status?.locations?.find(({ name }) => name === location)?.generations ?? 0;
    const lies = ({ copies }: Generation): boolean =>
      copies.some((copy) => copy.location === location && (copy.state === "Stored" || copy.state === "Verified"));
    const more = found - own.filter(lies).length;
    return more > 0 ? [{ location, found, more }] : [];
  });
  const [most] = beyond.toSorted((a, b) => b.more - a.more);
  if (most === undefined) return undefined;
  const { location, found } = most;
  return { location, found, next: adoptCommand(metadata.namespace, metadata.name, location) };
}

/** For a generation that no run tells of; undefined when no location has more than runs do, or policies may not be read. */
export async function adoptionHint(
  { cluster, namespace, args }: Invocation,
  all: readonly Generation[],
): Promise<string | undefined> {
  const name = args.text("policy");
  try {
    const listed = await cluster.list<BackupPolicy>(policies, { namespace });
    const wanted = listed.filter(({ metadata }) => name === undefined || metadata.name === name);
    return wanted.flatMap((policy) => unknownAt(policy, all)?.next ?? [])[0];
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}
