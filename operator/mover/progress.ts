/** Says how far a long piece of work is, at most once every few seconds, so that a log of hours stays readable. */
import type { MoverLog } from "./context.ts";

const intervalMillis = 5_000;

/** @returns a function that is cheap to call often. */
export function createProgress(
  log: MoverLog,
  message: string,
): (fields: Readonly<Record<string, number | string>>) => void {
  let next = Date.now() + intervalMillis;
  return (fields) => {
    const now = Date.now();
    if (now < next) return;
    next = now + intervalMillis;
    log.info(message, fields);
  };
}

/** Most memory that this process ever held, MiB; its child processes are not in it. */
export const peakMiB = (): number => Math.round(process.resourceUsage().maxRSS / 1024);
