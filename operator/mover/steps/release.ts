/**
 * Release: waits until every part of the capture has released the source, and ends. Its end is the signal to give the app
 * back, so each millisecond here is downtime: it does nothing else, and ends at once when a part has failed.
 */
import { watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import type { MoverContext } from "../context.ts";
import { isReleased } from "../signals.ts";

/** Watching is faster, but not every file system reports what another container writes. */
const pollMillis = 20;

export async function release(task: TaskOf<"release">, context: MoverContext): Promise<ResultOf<"release">> {
  let wake = Promise.withResolvers<void>();
  const watcher = watch(context.roots.signal, () => wake.resolve());
  watcher.on("error", () => undefined);
  try {
    for (;;) {
      context.abort.throwIfAborted();
      const released = await Promise.all(task.parts.map((part) => isReleased(context.roots.signal, part)));
      if (released.every(Boolean))
        return { version: 1, ok: true, step: "release", releasedAt: new Date().toISOString() };
      await Promise.race([wake.promise, sleep(pollMillis)]);
      wake = Promise.withResolvers<void>();
    }
  } finally {
    watcher.close();
  }
}
