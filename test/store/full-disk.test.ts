/**
 * Disks that are really full, of bytes and of inodes, a little later each time: in memory, and on ext4 where the machine can mount
 * an image. A transport looks for room before it starts, so it meets only the end of the inodes.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, jest, test } from "@jest/globals";
import { errnoOf } from "../../operator/mover/errors.ts";
import { Campaign, type Scenario } from "./fire/campaign.ts";
import { sealing, settling, staging, transporting } from "./fire/scenarios.ts";
import { leaveTally } from "./fire/tally.ts";
import { makeTemplates } from "./fire/templates.ts";
import { createWorld, removeWorld, type World } from "./fire/world.ts";

jest.setTimeout(10 * 60_000);

let faults = 0;
let half = 0;
afterAll(() => leaveTally("full-disk", { faults: { "full disk": faults }, half, damages: {}, undetected: 0 }));

/** Takes all but so much of the room. @returns what gives it back */
function fill(world: World, what: "blocks" | "inodes", left: number): () => void {
  const ballast = join(world.disk, "ballast");
  mkdirSync(ballast);
  const { bavail, bsize, ffree } = statfsSync(world.disk);
  if (what === "blocks") {
    const room = (bavail - left) * bsize;
    // Written, because a hole takes no room; in pieces, because the file system needs some of it for itself.
    for (let n = 0, piece = room; piece >= bsize; n += 1) {
      const now = Math.min(piece, (statfsSync(world.disk).bavail - left) * bsize);
      if (now < bsize) break;
      try {
        writeFileSync(join(ballast, String(n)), Buffer.alloc(Math.min(now, 8 * 1024 * 1024)));
      } catch (error) {
        // What it takes for itself comes late when the machine is busy.
        if (errnoOf(error) !== "ENOSPC") throw error;
        break;
      }
      piece = now;
    }
  } else for (let n = 0; n < ffree - left; n += 1) writeFileSync(join(ballast, String(n)), "");
  return () => rmSync(ballast, { recursive: true });
}

interface Row {
  readonly name: string;
  readonly what: "blocks" | "inodes";
  readonly left: readonly number[];
}
const range = (to: number, by = 1): readonly number[] => Array.from({ length: Math.ceil(to / by) }, (_, n) => n * by);

async function playAll(world: World, rows: readonly Row[]): Promise<void> {
  process.umask(0o077);
  const templates = await makeTemplates(world);
  const campaign = new Campaign(world);
  const bad: string[] = [];
  try {
    const scenarios = [sealing, transporting, settling, staging].flatMap((build): readonly Scenario[] =>
      build(world, templates),
    );
    for (const { name, what, left } of rows) {
      const scenario = scenarios.find((one) => one.name === name)!;
      await campaign.rehearse(scenario);
      for (const count of left) {
        const verdict = await campaign.playFull(scenario, () => fill(world, what, count));
        if (verdict.hit !== undefined) faults += 1;
        if (verdict.half.length > 0) half += 1;
        const why = [...verdict.half, ...verdict.wrong];
        if (why.length > 0)
          bad.push(`${name} with ${count} ${what} left, ${verdict.hit}: ${why.slice(0, 4).join("; ")}`);
      }
    }
    expect(bad).toEqual([]);
  } finally {
    await campaign.close();
  }
}

async function mounted(mount: (world: World) => void, work: (world: World) => Promise<void>): Promise<void> {
  const world = createWorld();
  try {
    mount(world);
    await work(world);
  } finally {
    execFileSync("umount", ["--lazy", "--quiet", world.disk], { stdio: "ignore" });
    removeWorld(world);
  }
}

test("in memory", async () => {
  const options = "size=32m,nr_inodes=400,mode=755";
  await mounted(
    (world) => void execFileSync("mount", ["-t", "tmpfs", "-o", options, "handover-test", world.disk]),
    async (world) =>
      await playAll(world, [
        { name: "seal", what: "blocks", left: range(14) },
        { name: "seal", what: "inodes", left: range(8) },
        { name: "transport", what: "inodes", left: range(24, 2) },
        { name: "verify", what: "blocks", left: range(3) },
        { name: "prune-source", what: "inodes", left: range(3) },
        { name: "prune-sink", what: "blocks", left: range(3) },
        { name: "stage", what: "blocks", left: range(72, 6) },
        { name: "stage", what: "inodes", left: range(12, 2) },
      ]),
  );
  expect(faults).toBeGreaterThan(20);
});

test("on ext4", async () => {
  const mount = (world: World): void => {
    const image = join(world.base, "image");
    writeFileSync(image, "");
    truncateSync(image, 40 * 1024 * 1024);
    execFileSync("mkfs.ext4", ["-q", "-F", "-m", "0", "-N", "400", image]);
    execFileSync("mount", ["-o", "loop", image, world.disk], { stdio: "pipe" });
    rmSync(join(world.disk, "lost+found"), { recursive: true });
    expect(readdirSync(world.disk)).toEqual([]);
  };
  try {
    await mounted(
      mount,
      async (world) =>
        await playAll(world, [
          { name: "seal", what: "blocks", left: range(12, 2) },
          { name: "transport", what: "inodes", left: range(20, 5) },
          { name: "prune-source", what: "blocks", left: range(2) },
          { name: "stage", what: "blocks", left: range(70, 14) },
        ]),
    );
  } catch (error) {
    // Nothing here depends on loop devices, which many containers do not have.
    if (!/loop|mount/.test(String(error)) || /left, /.test(String(error))) throw error;
    process.stderr.write("  ext4 was not tried: this machine mounts no images\n");
  }
});
