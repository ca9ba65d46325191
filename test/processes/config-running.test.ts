/** Nobody is stopped while a volume of class Config is captured: what is edited meanwhile, and what ends a look, spoils nothing. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createConfigBed, type ConfigBed } from "../support/config-bed.ts";
import { killAt } from "../support/kill-at.ts";
import { differences, run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

const path = process.env["PATH"] ?? "";
let of: ConfigBed;
beforeEach(async () => {
  of = await createConfigBed();
});
afterEach(() => {
  process.env["PATH"] = path;
  of.bed.dispose();
});

/** @returns the volume as restore.sh brings it back */
function restored(generation: string | undefined): string {
  const out = join(of.bed.root, "out");
  run("sh", ["restore.sh", "--to", out], { cwd: generation ?? "" });
  return join(out, "uploads");
}

test("a volume that is written to all the time is captured", async () => {
  const script = `cd "$1"; n=0; while :; do n=$((n+1)); echo $n >busy/f$n; echo $n >>busy/log; rm -f busy/f$((n-3)); done`;
  mkdirSync(join(of.root, "busy"));
  const writer = spawn("sh", ["-c", script, "sh", of.root]);
  try {
    const first = restored(await of.makeConfig(1));
    expect(existsSync(join(first, "busy/log"))).toBe(true);
    // It has changed since.
    expect(await of.makeConfig(2)).toBeDefined();
  } finally {
    writer.kill("SIGKILL");
  }
});

test("what is edited while the first pass goes over the volume is in it", async () => {
  const bin = join(of.bed.root, "bin");
  mkdirSync(bin);
  writeFileSync(
    join(bin, "rsync"),
    `#!/bin/sh
PATH=\${PATH#*:}
rsync "$@"; code=$?
case " $* " in *" --delete "*) [ -e '${bin}/edited' ] || { touch '${bin}/edited'; echo 'colour = red' >'${of.root}/app.ini'; } ;; esac
exit $code
`,
  );
  chmodSync(join(bin, "rsync"), 0o755);
  process.env["PATH"] = `${bin}${delimiter}${path}`;
  const generation = await of.makeConfig(1);
  expect(existsSync(join(bin, "edited"))).toBe(true);
  expect(readFileSync(join(restored(generation), "app.ini"), "utf8")).toBe("colour = red\n");
});

test.each([
  ["mirror/.state/claim.json"],
  ["mirror/uploads"],
  ["mirror/.state/uploads.mirror.json"],
  ["mirror/.state/uploads.files-next.zst"],
  ["staging/000001-pod-1/volumes/uploads.tar.zst"],
  ["staging/000001-pod-1/config/configmap/settings/key"],
])("a mover that is killed when there is %s leaves what the next run puts right", async (file) => {
  for (const name of ["tmp", "dev"]) mkdirSync(join(of.bed.root, name));
  const at = join(of.bed.layout.base, file);
  const killed = await killAt(of.bed, of.task(1), "pod-1", at);
  // On a busy machine the last of its files may be all that there was left to write.
  expect(killed || existsSync(at)).toBe(true);
  writeFileSync(join(of.root, "app.ini"), "colour = red\n");
  const { lastSeq } = await of.preflighting();
  const generation = await of.makeConfig(lastSeq + 1);
  expect(differences(of.root, restored(generation))).toBe("");
  expect(readdirSync(of.bed.layout.staging)).toEqual([]);
  expect(await of.makeConfig(lastSeq + 2)).toBeUndefined();
});

test("what one pod has captured is not sealed once another of the same Job has had the mirrors", async () => {
  await of.collecting(1);
  await of.collecting(1, {}, "pod-1b");
  await expect(of.sealing(1)).rejects.toMatchObject({ code: "HO-P113" });
});
