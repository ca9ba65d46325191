/** bupstash, the fastest of the first backups: built from its crate when it is asked for, which takes two minutes. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { measure, type Cost } from "../measure.ts";
import { must } from "../../test/cluster/bed/processes.ts";
import type { Contestant, Setting } from "./contestant.ts";
import { bytesBelow, emptyDirectory, measureDurably } from "./disk.ts";
import { firstLine } from "./version.ts";

/** Where cargo puts the program. */
const home = join(import.meta.dirname, "..", "..", ".cluster", "bupstash");

export async function createBupstash({ tree, directory }: Setting): Promise<Contestant> {
  const program = join(home, "bin", "bupstash");
  // With the versions of what it uses that it was released with: by newer ones it does not compile.
  const crate = ["--locked", "--version", "0.12.0", "bupstash"];
  if (!existsSync(program)) await must("cargo", ["install", "--quiet", "--root", home, ...crate]);
  const repository = join(directory, "repository");
  const env = {
    BUPSTASH_REPOSITORY: repository,
    BUPSTASH_KEY: join(directory, "key"),
    BUPSTASH_SEND_LOG: join(directory, "send.log"),
    BUPSTASH_QUERY_CACHE: join(directory, "query.cache"),
    PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`,
  };
  let number = 0;
  const bupstash = (...args: string[]): Promise<Cost> => measureDurably({ argv: [program, ...args], env }, directory);
  return {
    name: "bupstash",
    version: firstLine((await measure({ argv: [program, "--version"] })).stdout),
    reset: async () => {
      emptyDirectory(directory);
      await bupstash("init");
      await bupstash("new-key", "--output", join(directory, "key"));
    },
    backUp: async () => {
      const before = bytesBelow(repository);
      number += 1;
      const cost = await bupstash("put", "--quiet", `name=g${number}`, tree);
      return { ...cost, storedBytes: bytesBelow(repository) - before };
    },
    restore: async () => {
      const target = join(directory, "restored");
      emptyDirectory(target);
      const cost = await bupstash("restore", "--quiet", "--into", target, `name=g${number}`);
      await measure({ argv: ["rm", "-rf", target] });
      return cost;
    },
  };
}
