/**
 * A directory that gets another's name brings files with change times of long ago. Where they have the size and the time of those that had
 * their names before, only the inventories or the time of the directory tell that they are others.
 */
import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { maxDifferences } from "../../operator/mover/mirror/inventory.ts";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { stateFiles } from "../../operator/mover/mirror/state-list.ts";
import { createMirrorBed, type MirrorBed } from "../support/mirror-job.ts";
import { allowNamedUser, differences, setAttribute } from "../support/odd-files.ts";

jest.setTimeout(240_000);

let bed: MirrorBed;
let job: MirrorJob;
beforeEach(async () => {
  bed = createMirrorBed();
  ({ job } = bed);
  for (const name of ["blue", "green", "red"]) {
    mkdirSync(inSource(`${name}/deep`), { recursive: true });
    for (const file of [`${name}/f`, `${name}/deep/g`]) {
      writeFileSync(inSource(file), name.slice(0, 4));
      utimesSync(inSource(file), 1000, 1000);
    }
  }
  for (const name of ["green", "red"]) {
    setAttribute(inSource(`${name}/f`), "user.colour", name);
    allowNamedUser(inSource(`${name}/deep/g`));
  }
  mkdirSync(inSource("many"));
  // What changed shortly before the mark is compared by content anyway.
  const old = Math.floor(statSync(inSource("green/f")).ctimeMs / 1000) + 3;
  while (Date.now() < old * 1000) await sleep(50);
  writeFileSync(inSource("later"), "");
  await warmMirror(job);
  await (await coldMirror(job, true)).settle(job.signal);
});
afterEach(() => bed.remove());

const inSource = (path: string): string => join(job.source, path);
/** And one gets a name that there was not, with the attributes of what is in it. */
const exchange = (): void => {
  renameSync(inSource("red"), inSource("other"));
  renameSync(inSource("blue"), inSource("former"));
  renameSync(inSource("green"), inSource("blue"));
  renameSync(inSource("former"), inSource("green"));
};
const difference = (): string => differences(job.source, job.mirror) + differences(job.mirror, job.source);

describe("directories that are exchanged are, in the mirror, too", () => {
  test("when nothing else has changed", async () => {
    exchange();
    await coldMirror(job, true);
    expect(difference()).toBe("");
  });

  test("when more has changed than is treated one by one", async () => {
    exchange();
    for (let n = 0; n <= maxDifferences; n += 1) writeFileSync(inSource(`many/${n}`), "");
    await coldMirror(job, true);
    expect(difference()).toBe("");
  });

  test("when a pass was killed, and what was known is not believed any more", async () => {
    exchange();
    rmSync(stateFiles(job.stateDirectory, job.volume.name).source);
    await warmMirror(job);
    expect(difference()).toBe("");
  });
});
