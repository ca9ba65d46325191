/** restic as its manual says: a local repository, encrypted, compressed since 0.14. */
import { join } from "node:path";
import { measure, type Cost } from "../measure.ts";
import type { Contestant, Setting } from "./contestant.ts";
import { bytesBelow, emptyDirectory, measureDurably } from "./disk.ts";
import { firstLine } from "./version.ts";

export async function createRestic({ tree, directory }: Setting): Promise<Contestant> {
  const repository = join(directory, "repository");
  const env = { RESTIC_PASSWORD: "bench", RESTIC_CACHE_DIR: join(directory, "cache"), RESTIC_REPOSITORY: repository };
  const restic = (...args: string[]): Promise<Cost> =>
    measureDurably({ argv: ["restic", "--quiet", ...args], cwd: tree, env }, directory);
  return {
    name: "restic",
    version: firstLine((await measure({ argv: ["restic", "version"] })).stdout),
    reset: async () => {
      emptyDirectory(directory);
      await restic("init");
    },
    backUp: async () => {
      const before = bytesBelow(repository);
      const cost = await restic("backup", ".");
      return { ...cost, storedBytes: bytesBelow(repository) - before };
    },
    verify: () => restic("check", "--read-data"),
    restore: async () => {
      const target = join(directory, "restored");
      const cost = await restic("restore", "latest", "--target", target);
      await measure({ argv: ["rm", "-rf", target] });
      return cost;
    },
  };
}
