/** What the figures were measured on. Without it a number of seconds says nothing. */
import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { measure } from "./measure.ts";

/** @param directory where the data lies. @returns lines for people */
export async function describeMachine(directory: string, cachesDropped: boolean): Promise<readonly string[]> {
  const [type = "unknown"] = (
    await measure({ argv: ["findmnt", "--noheadings", "--output=FSTYPE", "--target", directory] })
  ).stdout.split("\n");
  const { bavail, bsize } = statfsSync(directory);
  const version = async (...argv: [string, ...string[]]): Promise<string> =>
    (await measure({ argv })).stdout.split("\n")[0] ?? "";
  return [
    `${availableParallelism()} of ${cpus().length} processors, ${cpus()[0]?.model.trim() ?? "unknown"}; ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `Linux ${release()}, file system ${type} with ${Math.round((bavail * bsize) / 2 ** 30)} GiB free, ${systemName()}`,
    `load when it began: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")}`,
    cachesDropped
      ? "the page cache was dropped before each measured run, but for the generations of 1 % of change and of no change: their files are in memory, as after a day of the app"
      : "the page cache could not be dropped: every figure is of files in memory",
    `node ${process.version}, ${await version("tar", "--version")}, zstd ${/v[0-9.]+/.exec(await version("zstd", "--version"))?.[0] ?? "unknown"}, ${(await version("rsync", "--version")).replaceAll(/ +/g, " ")}`,
  ];
}

function systemName(): string {
  return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
}
