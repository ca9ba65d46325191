/** All that one run of the bench has measured. */
import type { Dump } from "./scenarios/database.ts";
import type { Costs } from "./scenarios/files.ts";
import type { Unchanged } from "./scenarios/unchanged.ts";

export interface Measurements {
  /** By contestant. */
  readonly files: ReadonlyMap<string, Costs>;
  readonly dumps: ReadonlyMap<string, readonly Dump[]>;
  readonly unchanged: Unchanged | undefined;
  /** Whether every generation of Handover that was to be an increment is one. */
  readonly isIncremental: boolean;
  /** Contestants and what they are. */
  readonly versions: ReadonlyMap<string, string>;
  /** What has to be said beside the figures. */
  readonly notes: readonly string[];
}
