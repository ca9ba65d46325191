/** What an app puts a link to is not copied, however quick it is: rsync is confined to the volume (ADR 0020). In the image, because tools of the test's machine may be too old. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { toolbox } from "../support/app.ts";
import { Bed } from "../support/bed.ts";

jest.setTimeout(600_000);

const script = readFileSync(join(import.meta.dirname, "../support/link-race.sh"), "utf8");

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open("e2e-links");
  await bed.apply(toolbox({}));
  await bed.ready("toolbox");
});
afterAll(() => bed?.close());

// Without it, one pass in ten brings something.
test("a directory that is exchanged with a link, again and again, while it is copied", async () => {
  expect(await bed.sh("deploy/toolbox", `set -- 60\n${script}`)).toBe("0 of 60\n");
});
