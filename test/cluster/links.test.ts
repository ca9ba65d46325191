/** What an app puts a link to is not copied, however quick it is: rsync is confined to the volume (ADR 0020). In the image, because tools of the test's machine may be too old. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { idle, podSpec, workload } from "../support/app.ts";
import { Bed } from "../support/bed.ts";

jest.setTimeout(1_800_000);

const script = readFileSync(join(import.meta.dirname, "../support/link-race.sh"), "utf8");

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open("e2e-links");
  // As little as any mover may do.
  const securityContext = {
    runAsUser: 65532,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
  const container = { image: "handover/handover:dev", securityContext };
  await bed.apply(workload("Deployment", "mover", podSpec({ script: idle, container })));
  await bed.ready("mover");
});
afterAll(() => bed?.close());

// Without it, one pass in ten brings something.
test("a directory that is exchanged with a link, again and again, while it is copied", async () => {
  expect(await bed.sh("deploy/mover", `set -- 60\n${script}`)).toBe("0 of 60\n");
});
