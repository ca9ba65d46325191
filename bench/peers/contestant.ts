/** What the bench asks of everyone who keeps copies of a tree of files. */
import type { Cost } from "../measure.ts";

export interface Generation extends Cost {
  /** Bytes that it added to what is stored. */
  readonly storedBytes: number;
  /** What it was when it was not what was asked for, and why. */
  readonly note?: string;
}

export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** Forgets every generation. */
  readonly reset: () => Promise<void>;
  /** Makes a generation of the tree as it is, on the disk when it returns. */
  readonly backUp: (kind: "first" | "increment") => Promise<Generation>;
  /** Reads everything that is stored and compares it with its digests; absent where there are none. */
  readonly verify?: () => Promise<Cost>;
  /** Restores the newest generation to an empty place, on the disk when it returns. Leaves nothing behind. */
  readonly restore: () => Promise<Cost>;
}

/** What a contestant is made with. */
export interface Setting {
  /** The tree to keep. */
  readonly tree: string;
  /** An own directory, for whatever it keeps. */
  readonly directory: string;
}
