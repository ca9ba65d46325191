/**
 * A controller for one namespace as a process of this machine, the same program as in the image, behind a gate: it is killed with
 * SIGKILL at chosen writes and started again, as the kubelet would. Without leader election, so that what is measured is the work
 * of the one that comes after and not the time of a lease. The installed controller must not work meanwhile.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { operatorImage, operatorNamespace } from "../../demo/stage.ts";
import type { Bed } from "./bed.ts";
import { killChild } from "./control-plane.ts";
import { type Gate, type Point, type Write, openGate } from "./write-gate.ts";

const root = join(import.meta.dirname, "../..");

export interface Kill {
  readonly what: string;
  readonly point: Point;
}
/** One life of the process, in milliseconds since 1970. */
export interface Life {
  readonly startedAt: number;
  /** When the API server first heard of it. */
  heardAt?: number;
}

export interface FragileOptions {
  readonly strike: (write: Write) => Point | undefined;
  /** Looks at the cluster while nobody works there. */
  readonly inspect: (kill: Kill) => Promise<void>;
}

export interface FragileController {
  readonly kills: readonly Kill[];
  readonly lives: readonly Life[];
  readonly writes: readonly Write[];
  readonly stop: () => Promise<void>;
}

export async function startFragile(bed: Bed, { strike, inspect }: FragileOptions): Promise<FragileController> {
  const kills: Kill[] = [];
  const lives: Life[] = [];
  let child: ChildProcess;
  let killing = false;
  let stopped = false;
  mkdirSync(join(root, "out"), { recursive: true });
  const log = openSync(join(root, "out", `controller-${bed.namespace}.log`), "w");

  const start = (through: string): void => {
    lives.push({ startedAt: Date.now() });
    child = spawn(process.execPath, [join(root, "dist/main.mjs"), "controller"], {
      env: {
        KUBECONFIG: through,
        HANDOVER_NAMESPACE: operatorNamespace,
        HANDOVER_WATCH_NAMESPACE: bed.namespace,
        HANDOVER_IMAGE: operatorImage,
        HANDOVER_POD_NAME: `fragile-${bed.namespace}`,
        HANDOVER_LEADER_ELECTION: "false",
        HANDOVER_HTTP_BIND: "127.0.0.1:0",
      },
      stdio: ["ignore", log, log],
    });
  };
  const gate: Gate = await openGate({
    kubeconfig: process.env["HANDOVER_TEST_KUBECONFIG"] ?? "",
    strike: (write) => (killing || stopped ? undefined : strike(write)),
    kill: async ({ what }, point) => {
      killing = true;
      await killChild(child);
      kills.push({ what, point });
      await inspect({ what, point });
      killing = false;
      // Two writes under way may both be struck, and the second finds the next process already there.
      if (!stopped && (child.exitCode !== null || child.signalCode !== null)) start(gate.kubeconfig);
    },
    heard: () => {
      const life = lives.at(-1);
      if (life !== undefined && !killing) life.heardAt ??= Date.now();
    },
  });
  start(gate.kubeconfig);
  return {
    kills,
    lives,
    writes: gate.writes,
    stop: async () => {
      stopped = true;
      await killChild(child);
      await gate.close();
      closeSync(log);
    },
  };
}
