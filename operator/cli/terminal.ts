/** What a command needs of the process that it runs in. Tests give their own. */
import type { Instant } from "../domain/instant.ts";

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly now: () => Instant;
  /** Ends early when the signal is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Calls back at the first Ctrl-C, which then does not end the process. @returns what takes the callback off again */
  readonly onInterrupt: (interrupted: () => void) => () => void;
  /** Attempts of a request. */
  readonly attempts?: number;
}

export const processTerminal = (): Terminal => ({
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    new Promise((done) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        done();
      };
      const timer = setTimeout(wake, milliseconds);
      if (signal.aborted) wake();
      else signal.addEventListener("abort", wake);
    }),
  onInterrupt: (interrupted) => {
    process.once("SIGINT", interrupted);
    return () => process.off("SIGINT", interrupted);
  },
});
