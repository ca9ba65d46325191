/** Where generations lie, and which of it can be mounted. A missing claim would keep the pod that mounts it from ever starting. */
import type { Claim, PolicySpec } from "../api/kinds.ts";

export interface Location {
  /** `source`, or the name of a sink. */
  readonly name: string;
  readonly claimName: string;
}

export interface ClaimTrouble {
  readonly code: "HO-P102" | "HO-P103";
  readonly message: string;
}

type Claims = ReadonlyMap<string, Claim>;

/** The claims that the app keeps its files on. */
export const volumeClaims = ({ volumes = [] }: PolicySpec): ReadonlySet<string> =>
  new Set(volumes.map(({ claimName }) => claimName));

/** Why a claim is as good as missing, if it is. */
export function claimTrouble(name: string, claims: Claims): ClaimTrouble | undefined {
  const claim = claims.get(name);
  if (claim === undefined) return { code: "HO-P102", message: `PersistentVolumeClaim ${name} does not exist` };
  if (claim.metadata.deletionTimestamp !== undefined)
    return { code: "HO-P102", message: `PersistentVolumeClaim ${name} is being deleted` };
  if (claim.status?.phase === "Lost")
    return { code: "HO-P103", message: `PersistentVolumeClaim ${name} has lost its volume` };
  return undefined;
}

/** In the order in which a restore asks them, the nearest first. @param named the only one, if a request names one */
export const locationsOf = (policy: PolicySpec, named: string | undefined): readonly Location[] =>
  [
    { name: "source", claimName: policy.store.claimName },
    ...policy.sinks.map(({ name, claim }) => ({ name, claimName: claim.claimName })),
  ].filter(({ name }) => named === undefined || name === named);

/**
 * The locations that a restore can read. A claim that waits for its first pod may be bound to an old volume again; but it may
 * wait for ever and the pod with it, so it counts only where there is nothing else.
 */
export function readableLocations(locations: readonly Location[], claims: Claims): readonly Location[] {
  const present = locations.filter(({ claimName }) => claimTrouble(claimName, claims) === undefined);
  const bound = present.filter(({ claimName }) => claims.get(claimName)?.status?.phase === "Bound");
  return bound.length > 0 ? bound : present;
}
