/** The verbs that write, over real HTTP: what they write and what they say of it. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { aRun } from "../../support/builders.ts";
import { CommandBed } from "./command-bed.ts";
import { expectGolden } from "./golden.ts";
import { full40, scene } from "./scene.ts";
import { status } from "../cluster/fake-api-server.ts";

let bed: CommandBed;
beforeEach(async () => {
  const { policy, runs } = scene();
  bed = await CommandBed.open(policy, ...runs);
});
afterEach(() => bed.close());

const hold = "backup.handover.dev/hold";
const undelete = "backup.handover.dev/undelete";

describe("hold and release", () => {
  test("write the annotation of the run, with reason and end, and take it away", async () => {
    const held = await bed.handover("hold", "41", "--reason", "before the  migration", "--until", "30d");
    expect(held.code).toBe(0);
    expect(held.out).toMatch(
      /^000041-20261127T020000Z-incremental is held until 2026-12-29T12:00:00Z, .*What it needs stays with it: 1 other generation\. It counts from the next retention on, /,
    );
    expect(bed.run("shop-incr-1").metadata.annotations).toEqual({
      [hold]: "2026-12-29T12:00:00Z before the  migration",
    });
    expect((await bed.handover("list")).out).toMatch(/000041.* 2026-12-29 +shop-incr-1\n/);
    expect((await bed.handover("release", "41")).code).toBe(0);
    expect(bed.run("shop-incr-1").metadata.annotations).toEqual({});
  });

  test("without an end it is for ever", async () => {
    await bed.handover("hold", "shop-full", "--reason", "audit");
    expect(bed.run("shop-full").metadata.annotations).toEqual({ [hold]: "forever audit" });
    expect(JSON.parse((await bed.handover("show", "40", "-o", "json")).out).hold).toEqual({
      until: "forever",
      reason: "audit",
      expired: false,
    });
  });

  test("a run under way is told of, because it may have read the annotations already", async () => {
    bed.put(aRun("shop-active").build());
    expect((await bed.handover("hold", "40", "--reason", "x")).out).toContain("the run shop-active is under way");
  });

  test("somebody else's write in between is kept, and the hold is written again", async () => {
    let first = true;
    bed.before = ({ method }) => {
      if (method !== "PATCH" || !first) return undefined;
      first = false;
      const run = bed.run("shop-full");
      bed.put({ ...run, metadata: { ...run.metadata, resourceVersion: "7", annotations: { theirs: "x" } } });
      return undefined;
    };
    expect((await bed.handover("hold", "40", "--reason", "mine")).code).toBe(0);
    expect(bed.run("shop-full").metadata.annotations).toEqual({ theirs: "x", [hold]: "forever mine" });
  });

  test("a run of the same name that was made anew meanwhile is another one, and is not written to", async () => {
    bed.before = ({ method }) => {
      if (method === "PATCH") {
        const run = bed.run("shop-full");
        bed.put({ ...run, metadata: { ...run.metadata, uid: "another", resourceVersion: "7" } });
      }
      return undefined;
    };
    expect(await bed.handover("hold", "40", "--reason", "mine")).toMatchObject({
      code: 4,
      err: expect.stringContaining("was deleted meanwhile"),
    });
    expect(bed.run("shop-full").metadata.annotations).toBeUndefined();
  });

  test("what lies nowhere cannot be held; what is not held is released already", async () => {
    const gone = await bed.handover("hold", "39", "--reason", "x");
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining("Next: kubectl handover undelete")]);
    expect(await bed.handover("release", "40")).toMatchObject({
      code: 0,
      out: `${full40} is not held; nothing was changed.\n`,
    });
    expect(bed.writes).toEqual([]);
  });

  describe("what was taken back out of the trash", () => {
    const retentionOf = (until: string) => [
      {
        location: "source",
        state: "Done",
        plannedAt: "2026-11-29T11:10:00Z",
        kept: [{ why: `held until ${until}: taken back out of the trash`, sequences: "40" }],
      },
    ];
    const takeBack = (until: string): void => {
      const run = bed.run("shop-dump");
      bed.put({ ...run, status: { ...run.status, retention: retentionOf(until) as never } });
    };

    test("is shown as held, and released by an annotation that says so", async () => {
      takeBack("2026-12-05T11:10:00Z");
      expect((await bed.handover("list")).out).toMatch(/000040.* 2026-12-05 +shop-full\n/);
      expect((await bed.handover("show", "40")).out).toMatch(
        /\nHeld +until 2026-12-05T11:10:00Z, taken back out of the trash, at source\n/,
      );
      expect(JSON.parse((await bed.handover("show", "40", "-o", "json")).out).takenBack).toEqual([
        { location: "source", until: "2026-12-05T11:10:00Z", expired: false },
      ]);
      const { code, out } = await bed.handover("release", "40");
      expect([code, out]).toEqual([
        0,
        expect.stringContaining("is released, also where it was taken back out of the trash: source."),
      ]);
      expect(bed.run("shop-full").metadata.annotations).toEqual({
        [hold]: "2026-11-29T12:00:00Z released with what was taken back",
      });
      bed.clock += 1_000;
      expect((await bed.handover("list")).out).toMatch(/000040.* - +shop-full\n/);
      expect((await bed.handover("show", "40")).out).not.toContain("\nHeld");
      expect((await bed.handover("release", "40")).out).toContain("is not held; nothing was changed");
    });

    test("with a hold of a person the longer one is listed, and both are shown and released", async () => {
      takeBack("2026-12-05T11:10:00Z");
      await bed.handover("hold", "40", "--reason", "audit", "--until", "2026-12-01T00:00:00Z");
      expect((await bed.handover("list")).out).toMatch(/000040.* 2026-12-05 +shop-full\n/);
      expect((await bed.handover("show", "40")).out).toMatch(
        /Held +until 2026-12-01T00:00:00\.000Z, audit; until 2026-12-05/,
      );
      await bed.handover("release", "40");
      expect(bed.run("shop-full").metadata.annotations?.[hold]).toMatch(/ released with /);
    });

    test("is not held any more after its time, and a release of before counts for nothing since", async () => {
      takeBack("2026-11-29T11:00:00Z");
      expect((await bed.handover("release", "40")).out).toContain("is not held; nothing was changed");
      takeBack("2026-12-05T11:10:00Z");
      const run = bed.run("shop-full");
      const before = "2026-11-20T00:00:00Z released with what was taken back";
      bed.put({ ...run, metadata: { ...run.metadata, annotations: { [hold]: before } } });
      expect((await bed.handover("list")).out).toMatch(/000040.* 2026-12-05 +shop-full\n/);
    });
  });

  test.each([
    [["hold", "41"], "hold needs --reason"],
    [["hold", "41", "--reason", " "], "--reason is empty"],
    [["hold", "41", "--reason", "x".repeat(201)], "201 characters"],
    [["hold", "41", "--reason", "x", "--until", "yesterday"], "neither a date"],
    [["hold", "41", "--reason", "x", "--until", "2026-11-01"], "is past"],
  ])("%j is a mistake of usage", async (argv, words) => {
    const { code, err } = await bed.handover(...argv);
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
    expect(bed.writes).toEqual([]);
  });
});

describe("undelete", () => {
  test("adds to the annotation of the policy and says until when", async () => {
    const policy = bed.policy("shop");
    bed.put({
      ...policy,
      metadata: { ...policy.metadata, annotations: { [undelete]: "000007" } },
      spec: { ...policy.spec, retention: { ...policy.spec.retention, trash: "24h" } as typeof policy.spec.retention },
    });
    const { code, out } = await bed.handover("undelete", "39", "12", "--policy", "shop");
    expect(code).toBe(0);
    expect(bed.policy("shop").metadata.annotations).toEqual({ [undelete]: "000007,000012,000039" });
    // Of the two places one is past its grace time.
    expectGolden("undelete", out);
  });

  test("what was pruned nowhere is refused, and nothing is written", async () => {
    const { code, err } = await bed.handover("undelete", "12", "40", "--policy", "shop");
    expect([code, err]).toEqual([1, expect.stringContaining(`${full40} was pruned nowhere`)]);
    expect(bed.writes).toEqual([]);
  });

  test("a number that was never given is refused, as far as anybody can tell", async () => {
    const ask = (): ReturnType<CommandBed["handover"]> => bed.handover("undelete", "39", "77", "--policy", "shop");
    const { code, err } = await ask();
    expect([code, err]).toEqual([
      4,
      expect.stringContaining(
        "no generation of shop has the number 000077: the newest that is known is 000043; nothing",
      ),
    ]);
    expect(bed.writes).toEqual([]);
    const policy = bed.policy("shop");
    const locations = [{ name: "vault", newest: "000077-20261128T020000Z-full" }];
    bed.put({ ...policy, status: { locations: locations as never } });
    expect((await ask()).code).toBe(0);
  });

  test("where nothing is known of any generation nothing is refused", async () => {
    for (const key of bed.objects.keys()) if (key.startsWith("backupruns/")) bed.objects.delete(key);
    const { status: _status, ...policy } = bed.policy("shop");
    bed.put(policy);
    expect(await bed.handover("undelete", "77", "--policy", "shop")).toMatchObject({
      code: 0,
      out: expect.stringContaining("and else it stays in the annotation without effect"),
    });
  });

  test("an id whose number is another's is refused", async () => {
    expect((await bed.handover("undelete", "000039-20261125T030000Z-full", "--policy", "shop")).code).toBe(1);
    expect(bed.writes).toEqual([]);
  });

  test.each([
    [["undelete", "12"]],
    [["undelete", "twelve", "--policy", "shop"]],
    [["undelete", ",", "--policy", "shop"]],
    [["undelete", "--policy", "shop"]],
  ])("%j is a mistake of usage", async (argv) => {
    expect((await bed.handover(...argv)).code).toBe(2);
    expect(bed.api.received).toEqual([]);
  });
});

test("what the operator refuses is shown with its reason", async () => {
  bed.before = ({ method }) =>
    method === "POST"
      ? {
          ...status(422, "Invalid"),
          body: { kind: "Status", reason: "Invalid", message: "spec.type: Unsupported value" },
        }
      : undefined;
  const { code, err } = await bed.handover("now", "shop", "--type", "differential");
  expect([code, err]).toEqual([1, expect.stringContaining("spec.type: Unsupported value")]);
});
