/**
 * The promises of node:fs on real files, without the way through the pool of threads: for a suite that asks for millions of small
 * things one after the other, and waits for nothing else meanwhile.
 */
import fs from "node:fs";

type Call = (...args: readonly unknown[]) => unknown;
const isCall = (value: unknown): value is Call => typeof value === "function";

/** As far as the store uses it. */
const open = async (path: string, flags?: number | string, mode?: number): Promise<Readonly<Record<string, Call>>> => {
  const file = await Promise.resolve(fs.openSync(path, flags ?? "r", mode));
  return {
    writeFile: async (content) => await Promise.resolve(fs.writeFileSync(file, content as string)),
    sync: async () => await Promise.resolve(fs.fsyncSync(file)),
    close: async () => await Promise.resolve(fs.closeSync(file)),
  };
};

/** What a mock of node:fs/promises is made of. */
export function directFiles(): Readonly<Record<string, unknown>> {
  const calls = Object.entries(fs).flatMap(([name, call]: readonly [string, unknown]) =>
    name.endsWith("Sync") && isCall(call)
      ? [[name.slice(0, -"Sync".length), async (...args: readonly unknown[]) => await Promise.resolve(call(...args))]]
      : [],
  );
  return { ...Object.fromEntries(calls), open };
}
