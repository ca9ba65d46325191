/**
 * Logs as JSON lines on stdout. A message is a constant sentence, what varies is in fields, so that lines can be
 * counted and searched. Never log specs, Secrets or environments: only names, numbers and errors.
 */
import { pino } from "pino";

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** A log whose lines all carry these fields. */
  child(fields: Readonly<Record<string, unknown>>): Log;
}

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Where lines go; the default writes synchronously, so that the last words before an exit are not lost. */
export interface LogDestination {
  write(line: string): void;
}

export const createLog = (level: LogLevel, destination?: LogDestination): Log => {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination ?? pino.destination({ fd: 1, sync: true }));
};
