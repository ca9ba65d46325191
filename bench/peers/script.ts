/** The script of many handbooks: everything again each night, through gzip. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { measure } from "../measure.ts";
import { firstLine } from "./version.ts";
import type { Contestant, Setting } from "./contestant.ts";
import { emptyDirectory, measureDurably } from "./disk.ts";

export async function createScript({ tree, directory }: Setting): Promise<Contestant> {
  let number = 0;
  const file = (): string => join(directory, `files-${number}.tar.gz`);
  return {
    name: "script",
    version: `tar -czf, ${firstLine((await measure({ argv: ["gzip", "--version"] })).stdout)}`,
    reset: async () => emptyDirectory(directory),
    backUp: async () => {
      number += 1;
      const cost = await measureDurably({ argv: ["tar", "-czf", file(), "."], cwd: tree }, directory);
      return { ...cost, storedBytes: statSync(file()).size };
    },
    // All that there is to check: gzip's own checksum, of each file that is kept.
    verify: () => measure({ argv: ["gzip", "--test", ...readdirSync(directory).map((name) => join(directory, name))] }),
    restore: async () => {
      const target = `${directory}-restored`;
      emptyDirectory(target);
      const cost = await measureDurably({ argv: ["tar", "-xzf", file()], cwd: target }, target);
      await measure({ argv: ["rm", "-rf", target] });
      return cost;
    },
  };
}
