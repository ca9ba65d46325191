/** Programs of the contestants, and the Debian packages that bring them. */
import type { Needs } from "../test/cluster/bed/packages.ts";

const always: Needs = { time: "time", setpriv: "util-linux", findmnt: "util-linux" };

const ofPeer: Readonly<Record<string, Needs>> = {
  restic: { restic: "restic" },
  borg: { borg: "borgbackup" },
  pgbackrest: { pgbackrest: "pgbackrest" },
  // Its crate is built against it.
  bupstash: { cargo: "cargo", "pkg-config": "pkg-config", "/usr/include/sodium.h": "libsodium-dev" },
};

export const needsOf = (peers: readonly string[]): Needs =>
  Object.assign({}, always, ...peers.map((name) => ofPeer[name] ?? {})) as Needs;
