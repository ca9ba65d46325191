/** What of the files and the configuration that a policy names a run of a type captures. */
import type { PolicySpec } from "../api/kinds.ts";
import { type GenerationType, holdsVolumes } from "../domain/generation.ts";

export const capturedVolumes = (
  type: GenerationType,
  { volumes = [] }: PolicySpec,
): NonNullable<PolicySpec["volumes"]> =>
  holdsVolumes(type) ? volumes : volumes.filter((volume) => type === "Config" && volume.class === "Config");

/** Whether there is anything for a run of type Config. */
export const hasConfiguration = (policy: PolicySpec): boolean =>
  policy.config !== undefined || capturedVolumes("Config", policy).length > 0;
