/**
 * What a step is given beside its task: where its volumes are mounted, who it is, how it speaks, and when to stop. Tests
 * hand in other directories; nothing else in the mover knows the mount points.
 */
import {
  configRoot,
  scratchRoot,
  secretRoot,
  signalRoot,
  sinkRoot,
  storeRoot,
  volumeRoot,
} from "../contract/mounts.ts";
import type { ConfigPart } from "../domain/manifest.ts";

export interface MoverRoots {
  readonly store: string;
  readonly sink: (name: string) => string;
  readonly volume: (name: string) => string;
  readonly secret: (database: string) => string;
  readonly config: (kind: ConfigPart["kind"], name: string) => string;
  readonly signal: string;
  readonly scratch: string;
}

/** A constant sentence and its fields; never credentials. */
export interface MoverLog {
  readonly info: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export interface MoverContext {
  readonly roots: MoverRoots;
  /** Part of the name of the staging directory. */
  readonly podUID: string;
  readonly log: MoverLog;
  /** Aborted when the pod is asked to end. */
  readonly abort: AbortSignal;
  /** When the process started, milliseconds since the epoch: its own start counts in the freeze. Absent in tests. */
  readonly startedAt?: number;
  /** Called with a name before each change of a swap, so that a test can end the step there as a kill would. */
  readonly checkpoint?: (point: string) => void;
}

export const mountedRoots: MoverRoots = {
  store: storeRoot,
  sink: sinkRoot,
  volume: volumeRoot,
  secret: secretRoot,
  config: configRoot,
  signal: signalRoot,
  scratch: scratchRoot,
};
