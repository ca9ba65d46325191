/** borg as its manual says: a local repository, encrypted with a key in it, lz4. */
import { join } from "node:path";
import { measure, type Cost } from "../measure.ts";
import type { Contestant, Setting } from "./contestant.ts";
import { bytesBelow, emptyDirectory, measureDurably } from "./disk.ts";
import { firstLine } from "./version.ts";

export async function createBorg({ tree, directory }: Setting): Promise<Contestant> {
  const repository = join(directory, "repository");
  const env = { BORG_PASSPHRASE: "bench", BORG_BASE_DIR: join(directory, "base"), BORG_REPO: repository };
  let number = 0;
  const borg = (cwd: string, ...args: string[]): Promise<Cost> =>
    measureDurably({ argv: ["borg", ...args], cwd, env }, directory);
  return {
    name: "borg",
    version: firstLine((await measure({ argv: ["borg", "--version"] })).stdout),
    reset: async () => {
      emptyDirectory(directory);
      await borg(directory, "init", "--encryption=repokey-blake2");
    },
    backUp: async () => {
      const before = bytesBelow(repository);
      number += 1;
      const cost = await borg(tree, "create", `::${number}`, ".");
      return { ...cost, storedBytes: bytesBelow(repository) - before };
    },
    verify: () => borg(directory, "check", "--verify-data"),
    restore: async () => {
      const target = join(directory, "restored");
      emptyDirectory(target);
      const cost = await borg(target, "extract", `::${number}`);
      await measure({ argv: ["rm", "-rf", target] });
      return cost;
    },
  };
}
