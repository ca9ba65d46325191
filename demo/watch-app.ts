/** Asks the wiki for a page all the time and keeps what came back, so that the demo can say when it was away. */
import { type Stage, page } from "./stage.ts";

export interface AppWatch {
  /** Lines such as `answers`, `refuses`, each with its moment in milliseconds since 1970. */
  readonly changes: readonly { readonly at: number; readonly up: boolean }[];
  readonly stop: () => Promise<void>;
}

export const mainPage = "/index.php?title=Main_Page&action=raw";
const interval = 100;

export function watchApp(stage: Stage, onChange: (up: boolean, at: number) => void): AppWatch {
  const changes: { at: number; up: boolean }[] = [];
  const end = new AbortController();
  const loop = (async (): Promise<void> => {
    while (!end.signal.aborted) {
      const up = (await page(stage, mainPage).catch(() => undefined)) !== undefined;
      const at = Date.now();
      if (changes.at(-1)?.up !== up) {
        changes.push({ at, up });
        onChange(up, at);
      }
      await new Promise((wake) => setTimeout(wake, interval));
    }
  })();
  return {
    changes,
    stop: async () => {
      end.abort();
      await loop;
    },
  };
}
