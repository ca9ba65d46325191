/**
 * Who writes into the mirrors of a lineage. The mirrors are shared by all runs, so a second pod of the same Job, or one
 * left over from an older run, could change them while the first still packs them. Such a pod finds the claim of a living
 * one and gives up; and who lost the claim notices before anything is sealed. Life is shown by touching the file: the
 * watcher looks whether its time moves, so no clocks are compared. The number of a claim outlives it: no later run is given
 * it again (`highestSeq`), so that only a run older than the claim ever meets a higher one, and is refused for good.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, utimesSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { errnoOf, MoverError } from "../errors.ts";
import { makeDirectory, writeFileDurably } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { removeTemporaries } from "./temporaries.ts";

const claimSchema = z.object({
  seq: z.number().int(),
  podUID: z.string(),
  nonce: z.string(),
  /** Everything was written. */
  done: z.boolean(),
  /** Nothing more will be written, and not everything was. */
  abandoned: z.boolean().optional(),
});
type ClaimRecord = z.infer<typeof claimSchema>;

const touchMillis = 500;
const watchMillis = 2_500;
const lockMillis = 20;
/** Each claimant clears drafts away once. What is never there when it was written is the doing of the file system. */
const maxTries = 20;

export const mirrorStateDirectory = (layout: Layout): string => join(layout.base, "mirror", ".state");
const claimFile = (layout: Layout): string => join(mirrorStateDirectory(layout), "claim.json");

export interface Claim {
  /** @throws MoverError HO-P113 when another pod has taken the mirrors. */
  readonly check: () => void;
  /** Says that nothing more will be written, so that the next one need not wait. */
  readonly done: () => Promise<void>;
  /**
   * Says the same of a look that makes no generation, so that its number is not used up by it. The pod stays named: the mirrors were written
   * to, so what an earlier one has captured of them may no longer be sealed.
   */
  readonly giveBack: () => Promise<void>;
  /** After a failure gives the claim up; after one of these does nothing. */
  readonly abandon: () => Promise<void>;
}

/** @throws MoverError HO-P113 when a living pod holds the mirrors, or a newer run did. */
export async function claimMirrors(
  layout: Layout,
  owner: { readonly seq: number; readonly podUID: string },
  signal: AbortSignal,
): Promise<Claim> {
  await makeDirectory(dirname(mirrorStateDirectory(layout)));
  await makeDirectory(mirrorStateDirectory(layout));
  const file = claimFile(layout);
  const mine: ClaimRecord = { ...owner, nonce: randomUUID(), done: false };
  const before = await take(file, mine, signal);
  await removeTemporaries(dirname(file));
  const timer = setInterval(() => {
    try {
      if (readClaim(file)?.nonce === mine.nonce) utimesSync(file, new Date(), new Date());
    } catch {
      // Nothing to do: if the store is gone, whatever is written next fails and says so.
    }
  }, touchMillis);
  timer.unref();
  const check = (): void => {
    const now = readClaim(file);
    if (now?.nonce !== mine.nonce) throw busy(now);
  };
  let finished = false;
  const finish = async (seq: number): Promise<void> => {
    clearInterval(timer);
    check();
    finished = true;
    await writeFileDurably(file, `${JSON.stringify({ ...mine, seq, done: true })}\n`);
  };
  return {
    check,
    done: async () => await finish(mine.seq),
    giveBack: async () => await finish(before?.seq ?? 0),
    abandon: async () => {
      clearInterval(timer);
      if (finished) return;
      try {
        // Said at once, so that the next attempt, with the app stopped, need not wait to see whether we live.
        if (readClaim(file)?.nonce === mine.nonce)
          await writeFileDurably(file, `${JSON.stringify({ ...mine, abandoned: true })}\n`);
      } catch {
        // The next attempt waits a little; nothing else depends on it.
      }
    },
  };
}

/**
 * Of several that come at the same moment one gets it, and the others find it taken.
 * @returns the claim that was there before
 */
async function take(file: string, mine: ClaimRecord, signal: AbortSignal): Promise<ClaimRecord | undefined> {
  for (let tries = 1; ; tries += 1) {
    const before = readClaim(file);
    if (before !== undefined && before.podUID !== mine.podUID) {
      if (before.seq > mine.seq) throw busy(before);
      if (!before.done && before.abandoned !== true && (await isTouched(file, signal))) throw busy(before);
    }
    const isMine = await alone(`${file}.lock`, signal, async () => {
      if (readClaim(file)?.nonce !== before?.nonce) return false;
      return await isWritten(file, mine, tries < maxTries);
    });
    if (isMine) return before;
  }
}

/** @returns false when another one, that had the lock as well, has cleared our draft away: it has got the claim, or nobody */
async function isWritten(file: string, mine: ClaimRecord, mayFail: boolean): Promise<boolean> {
  try {
    await writeFileDurably(file, `${JSON.stringify(mine)}\n`);
    return true;
  } catch (error) {
    if (mayFail && errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * Holds a directory as a lock for the time of a small write. One that is there for long is of a dead pod, and removed; should two
 * remove it at once, the one whose claim is overwritten notices by its nonce, as ever.
 */
async function alone<T>(lock: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let until = Date.now() + watchMillis; !(await isMade(lock));) {
    await sleep(lockMillis, undefined, { signal });
    if (Date.now() < until) continue;
    await rm(lock, { recursive: true, force: true });
    until = Date.now() + watchMillis;
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function isMade(directory: string): Promise<boolean> {
  try {
    await mkdir(directory);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** @throws MoverError HO-P113 unless the pod was the last to write into the mirrors, and has finished. */
export function checkClaimed(layout: Layout, owner: { readonly seq: number; readonly podUID: string }): void {
  const now = readClaim(claimFile(layout));
  if (now?.seq !== owner.seq || now.podUID !== owner.podUID || !now.done) throw busy(now);
}

/** The number of the last claim, whatever became of it; 0 when there is none. */
export const claimedSeq = (layout: Layout): number => readClaim(claimFile(layout))?.seq ?? 0;

function readClaim(file: string): ClaimRecord | undefined {
  try {
    return claimSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function isTouched(file: string, signal: AbortSignal): Promise<boolean> {
  const first = (await stat(file)).mtimeMs;
  const until = Date.now() + watchMillis;
  while (Date.now() < until) {
    await sleep(touchMillis, undefined, { signal });
    if ((await stat(file)).mtimeMs !== first) return true;
  }
  return false;
}

const busy = (by: ClaimRecord | undefined): MoverError =>
  new MoverError(
    "HO-P113",
    by === undefined
      ? "the mirrors are no longer ours"
      : `the mirrors are in use by pod ${by.podUID} of generation ${by.seq}`,
  );
