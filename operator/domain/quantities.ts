/** Durations and byte counts: strict parsers and the one way they are written for people. */

const unitMillis: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** @returns milliseconds, or undefined when the text is not of the form `^([0-9]+(ms|s|m|h|d|w))+$`. */
export function parseDuration(text: string): number | undefined {
  if (!/^([0-9]+(ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/([0-9]+)(ms|s|m|h|d|w)/g))
    total += Number(amount) * (unitMillis[unit] ?? 0);
  return total;
}

/** `820ms`, `12s`, `2m10s`, `1h2m`, `3d4h`: the two largest units that matter. */
export function formatDuration(millis: number): string {
  const ms = Math.max(0, Math.round(millis));
  if (ms < 1_000) return `${ms}ms`;
  // What would be rounded up to 10.0s is written as 10s.
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  const pair = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), "m", seconds % 60, "s");
  if (seconds < 86_400) return pair(Math.floor(seconds / 3_600), "h", Math.floor((seconds % 3_600) / 60), "m");
  return pair(Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3_600), "h");
}

/** `0 B`, `612 MiB`, `41.8 GiB` */
export function formatBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    // What would be rounded up to 1024 is 1.0 of the next unit.
    if (value < 1023.5 || unit === "TiB")
      return unit === "B" || value >= 99.95 ? `${Math.round(value)} ${unit}` : `${value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${bytes} B`;
}

/** `1 file`, `2 files` */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
