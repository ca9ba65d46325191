/** What `make bench` measures and how much of it: two sizes to choose from, each number of them a parameter. */
import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Small files. Logs and media are added to them. */
  readonly files: number;
  /** Megabytes of the tree. */
  readonly megabytes: number;
  /** Megabytes of the database; 0 leaves it out. */
  readonly databaseMegabytes: number;
  /** Files of the tree that tells the time per unchanged file; 0 leaves it out. */
  readonly unchangedFiles: number;
  readonly rounds: number;
  /** Names of contestants. */
  readonly peers: readonly string[];
  /** The mover as it is shipped, or its source, which starts slower. */
  readonly mover: "bundle" | "source";
  /** Where everything is built; an own directory below the temporary one when absent. */
  readonly directory: string | undefined;
  /** Leaves the directory. */
  readonly keep: boolean;
}

type Size = Pick<BenchOptions, "files" | "megabytes" | "databaseMegabytes" | "unchangedFiles" | "rounds">;

const sizes = {
  small: { files: 3_000, megabytes: 300, databaseMegabytes: 100, unchangedFiles: 20_000, rounds: 3 },
  full: { files: 30_000, megabytes: 3_000, databaseMegabytes: 2_000, unchangedFiles: 1_000_000, rounds: 3 },
} satisfies Readonly<Record<string, Size>>;

export const defaultPeers = ["script", "restic", "borg", "pgbackrest"] as const;

export const usage = `node bench/data-path.ts [--size small|full] [--files N] [--megabytes N] [--database-megabytes N]
  [--unchanged-files N] [--rounds N] [--peers script,restic,borg,pgbackrest,bupstash] [--mover bundle|source]
  [--directory DIR] [--keep]`;

/** @throws Error with one sentence for people. */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      size: { ...text, default: "small" },
      files: text,
      megabytes: text,
      "database-megabytes": text,
      "unchanged-files": text,
      rounds: text,
      peers: text,
      mover: { ...text, default: "bundle" },
      directory: text,
      keep: { type: "boolean", default: false },
    },
  });
  if (values.size !== "small" && values.size !== "full") throw new Error(`--size is small or full, not ${values.size}`);
  if (values.mover !== "bundle" && values.mover !== "source")
    throw new Error(`--mover is bundle or source, not ${values.mover}`);
  const size = sizes[values.size];
  const number = (name: string, given: string | undefined, fallback: number, min: number): number => {
    const value = given === undefined ? fallback : Number(given);
    if (!Number.isInteger(value) || value < min) throw new Error(`--${name} is a whole number of at least ${min}`);
    return value;
  };
  const peers = values.peers?.split(",").filter((name) => name !== "") ?? defaultPeers;
  const unknown = peers.find((name) => !knownPeers.includes(name));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${knownPeers.join(", ")}`);
  return {
    files: number("files", values.files, size.files, 10),
    megabytes: number("megabytes", values.megabytes, size.megabytes, 2),
    databaseMegabytes: number("database-megabytes", values["database-megabytes"], size.databaseMegabytes, 0),
    unchangedFiles: number("unchanged-files", values["unchanged-files"], size.unchangedFiles, 0),
    rounds: number("rounds", values.rounds, size.rounds, 1),
    peers,
    mover: values.mover,
    directory: values.directory,
    keep: values.keep,
  };
}

const knownPeers: readonly string[] = [...defaultPeers, "bupstash"];
