/** A log that nobody reads. */
import type { Log } from "../../operator/log.ts";

const silent = (): void => undefined;
export const silentLog: Log = { debug: silent, info: silent, warn: silent, error: silent, child: () => silentLog };
