/** Asking for an adoption and following it. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { PolicyStatus } from "../../../operator/api/kinds.ts";
import { CommandBed } from "./command-bed.ts";
import { scene } from "./scene.ts";

let bed: CommandBed;
beforeEach(async () => {
  const { policy, runs } = scene();
  bed = await CommandBed.open(policy, ...runs);
});
afterEach(() => bed.close());

type Adoption = NonNullable<PolicyStatus["adoption"]>;
const request = "vault 2026-11-29T12:00:00Z";
/** What the controller says of it, one state for each pause of the command. */
function play(...states: readonly Partial<Adoption>[]): void {
  const left = [...states];
  bed.paused = () => {
    const next = left.shift();
    if (next === undefined) return;
    const policy = bed.policy("shop");
    const adoption: Adoption = { request, location: "vault", state: "Listing", ...next };
    bed.put({ ...policy, status: { ...policy.status, adoption } });
  };
}

test("writes the annotation of the policy, another one each time", async () => {
  expect((await bed.handover("adopt", "shop")).code).toBe(0);
  expect(bed.policy("shop").metadata.annotations).toEqual({ "backup.handover.dev/adopt": request });
  bed.clock += 1_000;
  await bed.handover("adopt", "shop", "--from", "source");
  expect(bed.policy("shop").metadata.annotations).toEqual({
    "backup.handover.dev/adopt": "source 2026-11-29T12:00:01Z",
  });
});

test("--wait follows it page by page, and does not take an older request for its own", async () => {
  play(
    { request: "vault before", state: "Done", message: "old" },
    {},
    { adopted: 9, found: 20 },
    { state: "Done", message: "20 runs made of 20 generations at vault" },
  );
  const { code, out } = await bed.handover("adopt", "shop", "--from", "vault", "--wait");
  expect(code).toBe(0);
  expect(
    out
      .split("\n")
      .slice(1, -1)
      .map((line) => line.slice(22)),
  ).toEqual([
    "waits for the controller",
    "Listing vault",
    "Listing vault: 9 of 20 so far",
    "Done: 20 runs made of 20 generations at vault",
  ]);
});

test("a lineage of a former policy ends with 1, and says how to take it over", async () => {
  play({ state: "Failed", code: "HO-P106", message: "the directory shop/shop belongs to the policy with uid u" });
  const { code, err } = await bed.handover("adopt", "shop", "--wait");
  expect(code).toBe(1);
  expect(err).toMatch(
    /^error: HO-P106 the directory .*\nNext: kubectl -n shop annotate bpol shop backup.handover.dev\/adopt-lineage=/,
  );
});

test("a location that the policy does not have is refused, and nothing is written", async () => {
  expect(await bed.handover("adopt", "shop", "--from", "valut")).toMatchObject({
    code: 1,
    err: expect.stringContaining("it has: vault, offsite, source"),
  });
  expect(bed.writes).toEqual([]);
});
