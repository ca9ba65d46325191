/** Runs rsync from a volume into its mirror, and tells errors of the data from those of the tool. */
import { accessSync, constants } from "node:fs";
import { errnoOf, MoverError, CommandError } from "../errors.ts";
import { run, type RunResult } from "../exec.ts";
import {
  changedFiles,
  firstUnreadable,
  isWorthRepeating,
  listFileOf,
  partialTransfer,
  vanishedListed,
  vanishedSource,
  type RsyncStats,
} from "../tools/rsync.ts";
import { confined } from "./confined.ts";
import type { MirrorJob } from "./mirror-state.ts";

export interface Transferred {
  readonly stdout: string;
  /** Files that changed while they were copied, of a running app. */
  readonly torn: readonly string[];
}

export interface PassStats extends RsyncStats {
  readonly torn: readonly string[];
}

/** Of a running app a file may change or go again each time. */
const attempts = 3;

/**
 * A running app may also have put a link that leads out of the volume where a directory was, and be done with it. What we may not read
 * ourselves, who are not confined, stays as it is, and a pass over much would be made three times to say so.
 */
function isConfinement(stderr: string): boolean {
  const [, path] = /^(.*): Permission denied$/.exec(firstUnreadable(stderr) ?? "") ?? [];
  if (path === undefined) return false;
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch (error) {
    return errnoOf(error) !== "EACCES";
  }
}

const mayPass = (stderr: string): boolean => vanishedListed(stderr) || isConfinement(stderr);
const isRepeated = ({ code, stderrTail }: RunResult, frozen: boolean): boolean =>
  code === partialTransfer && (isWorthRepeating(stderrTail) || (!frozen && mayPass(stderrTail)));

/**
 * @param frozen whether the app is stopped: a file that vanishes or changes then is an error
 * @throws MoverError HO-A401, HO-A402; CommandError
 */
export async function transfer(
  job: Pick<MirrorJob, "source" | "mirror" | "volume" | "signal">,
  argv: Parameters<typeof run>[0],
  frozen: boolean,
): Promise<Transferred> {
  const okCodes = [0, vanishedSource, partialTransfer];
  const within = await confined(argv, { source: job.source, mirror: job.mirror, file: listFileOf(argv) });
  const attempt = async (): Promise<RunResult> => {
    try {
      return await run(within, { cwd: job.source, stdout: "capture", signal: job.signal, okCodes });
    } catch (error) {
      // What has failed is told to people, and is not the program that started it.
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(argv[0], error.exitCode, error.signal, error.stderrTail);
    }
  };
  let result = await attempt();
  for (let again = 1; again < attempts && isRepeated(result, frozen); again += 1) result = await attempt();
  const { code, signal, stdout, stderrTail } = result;
  const volume = `volume ${job.volume.name}`;
  if (frozen && (code === vanishedSource || (code === partialTransfer && vanishedListed(stderrTail))))
    throw new MoverError("HO-A402", `${volume}: files vanished during the last pass, although the app is stopped`);
  if (code === partialTransfer) {
    const unreadable = firstUnreadable(stderrTail);
    if (unreadable !== undefined) throw new MoverError("HO-A401", `${volume}: ${unreadable}`);
    const torn = changedFiles(stderrTail);
    if (torn.length === 0) throw new CommandError("rsync", code, signal, stderrTail);
    if (frozen)
      throw new MoverError("HO-A402", `${volume}: files changed during the last pass, although the app is stopped`);
    return { stdout, torn };
  }
  return { stdout, torn: [] };
}

/** As `transfer`, and again while files are torn. */
export async function transferWhole(...args: Parameters<typeof transfer>): Promise<Transferred> {
  let transferred = await transfer(...args);
  for (let attempt = 1; transferred.torn.length > 0 && attempt < attempts; attempt += 1)
    transferred = await transfer(...args);
  return transferred;
}
