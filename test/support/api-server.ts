/** Stops the API server as a machine does that hangs: connections stay open, and nobody answers. */
import { processesWith, reaper } from "./controller.ts";
import { type Bed, waitUntil } from "./bed.ts";

/** Installs the pod that `stopApiServer` works from. */
export async function installReaper(bed: Bed): Promise<void> {
  await bed.apply(reaper);
  await bed.ready("reaper");
}

export interface Outage {
  readonly seconds: number;
  /** A shell pattern in the command line of a process of the node that is ended in the middle of it. */
  readonly ends?: string;
}

/** @returns when the API server answers again, in milliseconds since 1970. */
export async function stopApiServer(bed: Bed, { seconds, ends }: Outage): Promise<number> {
  const middle = ends === undefined ? "" : `kill $(${processesWith(ends)})`;
  const half = Math.floor(seconds / 2);
  const script = `server=$(${processesWith("kube-apiserver")}); [ -n "$server" ] || { echo none; exit 1; }
    (sleep 1; kill -STOP $server; sleep ${half}; ${middle}; sleep ${seconds - half}; kill -CONT $server) >/dev/null 2>&1 </dev/null &
    echo $server`;
  await bed.sh("deploy/reaper", script);
  const asked = (): Promise<boolean> =>
    Promise.race([
      bed.api.call("GET", "/readyz").then(({ status }) => status === 200),
      new Promise<boolean>((late) => setTimeout(() => late(false), 2_000)),
    ]);
  await waitUntil("the API server is silent", asked, (answers) => !answers, 30);
  await waitUntil("the API server answers again", asked, (answers) => answers, seconds + 60);
  return Date.now();
}
