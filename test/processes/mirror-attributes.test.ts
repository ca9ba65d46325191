/** What a mirror holds of owners, ACLs and attributes stays there from pass to pass, whatever number of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { coldMirror, warmMirror, type MirrorJob } from "../../operator/mover/mirror/pass.ts";
import { differences, writeOddFiles } from "../support/odd-files.ts";

test("a file that nobody touches keeps its ACL and its attributes from run to run", async () => {
  const root = mkdtempSync(join(tmpdir(), "handover-attributes-"));
  try {
    const [source, mirror, stateDirectory, scratch] = ["source", "mirror", "state", "scratch"].map((name) => {
      mkdirSync(join(root, name));
      return join(root, name);
    }) as [string, string, string, string];
    writeOddFiles(source);
    const volume = { name: "uploads", claimName: "uploads", paths: ["."], exclude: [] };
    const job: MirrorJob = { volume, source, mirror, stateDirectory, scratch, signal: new AbortController().signal };
    for (let round = 0; round < 3; round++) {
      await warmMirror(job);
      expect(differences(source, mirror)).toBe("");
      await coldMirror(job, true);
      expect(differences(source, mirror)).toBe("");
      // Something changes beside them, so much later that they do not count as changed themselves.
      await sleep(2_100);
      writeFileSync(join(source, `new-${round}`), "");
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}, 60_000);
