/** The verbs that read, over real HTTP: what they print, and their exit codes. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { aPolicy, aRun } from "../../support/builders.ts";
import { CommandBed } from "./command-bed.ts";
import { status } from "../cluster/fake-api-server.ts";
import { expectGolden } from "./golden.ts";
import { full40, incremental41, incremental42, scene } from "./scene.ts";

let bed: CommandBed;
beforeEach(async () => {
  const { policy, runs } = scene();
  bed = await CommandBed.open(policy, ...runs);
});
afterEach(() => bed.close());

describe("list", () => {
  test("a table for people", async () => {
    const { code, out, err } = await bed.handover("list", "shop");
    expectGolden("list", out);
    expect([code, err]).toEqual([0, "1 generation that lies nowhere any more not shown; --all shows them\n"]);
  });

  test("ids, one a line; --all has also what is gone", async () => {
    const shown = (await bed.handover("list", "-o", "name")).out.trim().split("\n");
    const all = (await bed.handover("list", "--all", "-o", "name")).out.trim().split("\n");
    expect(shown).toHaveLength(4);
    expect(all.slice(0, 4)).toEqual(shown);
    expect(all).toHaveLength(5);
  });

  test("JSON has all of it", async () => {
    const seen = JSON.parse((await bed.handover("list", "shop", "-o", "json")).out);
    expect(seen.generations[1]).toMatchObject({
      id: incremental42,
      seq: 42,
      namespace: "shop",
      chain: [full40, incremental41],
      restorableFrom: ["source"],
      result: "AtRisk",
      copies: [
        { location: "source", state: "Verified", counts: true },
        { location: "vault", state: "Stored", counts: false, code: "HO-V602" },
        { location: "offsite" },
      ],
    });
    expect(seen.policies).toMatchObject([
      { policy: "shop", pendingHandovers: 1, locations: [{ name: "source" }, { name: "vault" }] },
    ]);
  });

  test("the namespace is that of the context, of -n, or all", async () => {
    bed.put(aPolicy("other").meta({ namespace: "two" }).build());
    expect((await bed.handover("list")).out).not.toContain("two/other");
    expect((await bed.handover("list", "--context", "bare")).out).toBe(
      "There is no BackupPolicy in namespace default.\n",
    );
    expect((await bed.handover("-n", "two", "list")).out).toMatch(/^two\/other\nNo run tells of a generation\.\n/);
    expect((await bed.handover("list", "-A")).out).toMatch(/^shop\/shop\n[\s\S]*\n\ntwo\/other\n/);
    expect(bed.api.received.at(-1)?.path).toBe("/apis/backup.handover.dev/v1alpha1/backupruns");
  });

  test("runs whose policy is gone are shown", async () => {
    bed.objects.delete("backuppolicies/shop/shop");
    expect((await bed.handover("list")).out).toMatch(/^shop\/shop \(the policy is gone\)\nGENERATION/);
  });
});

describe("show", () => {
  test("a generation by number, by six digits, by id and by its run is the same", async () => {
    const shown = await Promise.all(
      ["42", "000042", incremental42, "shop-incr-2"].map((name) => bed.handover("show", name)),
    );
    expectGolden("show", shown[0]!.out);
    expect(new Set(shown.map(({ out }) => out)).size).toBe(1);
    expect(shown.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  });

  test("why it is kept is what status.retention of the newest run says, at each location", async () => {
    const plan = (location: string, plannedAt: string, change: object): object => ({
      location,
      plannedAt,
      remove: [],
      kept: [],
      ...change,
    });
    const planned = (name: string, ...retention: readonly object[]): void => {
      const run = bed.run(name);
      bed.put({ ...run, status: { ...run.status, retention } });
    };
    planned(
      "shop-incr-2",
      plan("source", "2026-11-28T02:21:00Z", {
        state: "Done",
        remove: [{ id: incremental41, why: "gone, and taken back since" }],
        kept: [
          { why: "last 2", sequences: "41-42" },
          { why: "daily 14", sequences: "40-42", since: 40 },
        ],
      }),
      plan("vault", "2026-11-28T02:22:00Z", { kept: [{ why: "an old reason", sequences: "40-42" }] }),
    );
    planned(
      "shop-dump",
      plan("vault", "2026-11-29T11:10:00Z", {
        state: "Waiting",
        digest: "0123456789abcdef",
        remove: [{ id: incremental41, why: "beyond last 1" }],
      }),
    );
    const seen = JSON.parse((await bed.handover("show", "41", "-o", "json")).out);
    expect(seen.retention).toEqual([
      {
        location: "source",
        plannedAt: "2026-11-28T02:21:00Z",
        run: "shop-incr-2",
        kept: ["last 2", "daily 14"],
        remove: null,
        refused: null,
      },
      {
        location: "vault",
        plannedAt: "2026-11-29T11:10:00Z",
        run: "shop-dump",
        kept: [],
        remove: "beyond last 1",
        refused: expect.stringMatching(/^HO-K701: .*acknowledge-prune=0123456789ab$/),
      },
    ]);
    const { out } = await bed.handover("show", "41");
    expect(out).toMatch(/source +Verified .* last 2; daily 14 +2026-11-28 02:21\n/);
    expect(out).toMatch(/vault +Verified .* to be removed: beyond last 1 +2026-11-29 11:10\n/);
    expect(out).toMatch(/Nothing is removed at\n {2}vault: HO-K701: .*acknowledge-prune=0123456789ab\n/);
  });

  test("the commands that it prints are requests that the schema accepts in form", async () => {
    const { restore } = JSON.parse((await bed.handover("show", "42", "-o", "json")).out);
    const [, body = ""] = /^echo '(.*)' \| kubectl create -f -$/.exec(restore.atOnce) ?? [];
    expect(JSON.parse(body)).toEqual({
      apiVersion: "backup.handover.dev/v1alpha1",
      kind: "RestoreRequest",
      metadata: { name: "shop-000042", namespace: "shop" },
      spec: { policyName: "shop", from: { generation: incremental42 }, planOnly: false },
    });
    expect(restore.planned[0]).toContain('"planOnly":true');
  });

  test("a run that has made none says why", async () => {
    const { code, out } = await bed.handover("show", "shop-broken");
    expectGolden("show-failed-run", out);
    expect(code).toBe(0);
  });

  test("one that two policies have is named with its policy", async () => {
    bed.put(aRun("b").forPolicy("blog").finished("Complete", "000042-20261101T020000Z-full").build());
    const both = await bed.handover("show", "42");
    expect([both.code, both.out]).toEqual([1, ""]);
    expect(both.err).toMatch(
      /^error: 42 may be 000042-20261101T020000Z-full of blog or 000042-20261128T020000Z-incremental of shop; /,
    );
    expect((await bed.handover("show", "42", "--policy", "blog")).out).toContain("blog");
  });

  test("one that nobody knows ends with 4 and says what there is", async () => {
    const { code, out, err } = await bed.handover("show", "99");
    expect([code, out]).toEqual([4, ""]);
    expect(err).toMatch(
      /^error: no run in namespace shop tells of a generation 99; there is: 000043-\S+database, .*\nNext: kubectl handover adopt shop -n shop --from vault /,
    );
  });
});

describe("prune", () => {
  test("simulates, and writes nothing", async () => {
    const { code, out } = await bed.handover(
      "prune",
      "shop",
      "--simulate",
      "--keep",
      "last=1,minVerified=1",
      "--until",
      "2026-12-06",
    );
    expectGolden("prune", out);
    expect([code, bed.writes]).toEqual([0, []]);
  });

  test("names what would go now", async () => {
    for (const [name, number] of [
      ["shop-a", 44],
      ["shop-b", 45],
    ] as const) {
      const run = bed.run("shop-full");
      const generation = { ...run.status?.generation, id: `0000${number}-20261129T020000Z-full` };
      bed.put({ ...run, metadata: { ...run.metadata, name }, status: { ...run.status, generation } });
    }
    const { out } = await bed.handover(
      "prune",
      "shop",
      "--simulate",
      "--keep",
      "offsite:last=2,minVerified=1",
      "-o",
      "name",
    );
    expect(out).toContain(`offsite/${full40}\n`);
    expect(out).not.toContain("offsite/000044");
  });

  test("without --simulate it does nothing at all", async () => {
    expect(await bed.handover("prune", "shop")).toMatchObject({ code: 2, out: "" });
    expect(bed.api.received).toEqual([]);
  });
});

describe("when the runs are lost and the generations are not", () => {
  const lose = (...names: readonly string[]): void => {
    for (const key of bed.objects.keys())
      if (key.startsWith("backupruns/") && !names.some((name) => key.endsWith(`/${name}`))) bed.objects.delete(key);
  };
  const adopt = "kubectl handover adopt shop -n shop --from vault --wait";

  test("list says where they lie, and how runs are made of them", async () => {
    lose();
    expect((await bed.handover("list")).out).toContain(
      `No run tells of a generation. But 5 generations were found at vault; to make runs of what lies there:\n  ${adopt}\n`,
    );
  });

  test("and where none was found it says no more", async () => {
    lose();
    const { status: _status, ...policy } = bed.policy("shop");
    bed.put(policy);
    expect((await bed.handover("list")).out).toContain("No run tells of a generation.\n\n");
    expect((await bed.handover("show", "13")).err).toContain("Next: kubectl handover list -n shop --all\n");
  });

  test("show and hold lead there, for the policy that is named, and to the list when policies may not be read", async () => {
    lose("shop-full");
    for (const verb of [["show"], ["hold", "--reason", "x"], ["show", "--policy", "shop"]])
      expect(await bed.handover(...verb, "13")).toMatchObject({
        code: 4,
        err: expect.stringContaining(`Next: ${adopt}\n`),
      });
    expect((await bed.handover("show", "13", "--policy", "blog")).err).toContain("Next: kubectl handover list");
    bed.before = ({ path }) => (path.includes("backuppolicies") ? status(403, "Forbidden") : undefined);
    expect(await bed.handover("show", "13")).toMatchObject({ code: 4, err: expect.stringContaining("handover list") });
  });

  test("prune leads there at each location where more was found than is known", async () => {
    lose();
    const { out } = await bed.handover("prune", "shop", "--simulate");
    expect(out).toContain(`What is not known is not in this plan. To make it known: ${adopt}\n`);
    expect(out).toContain("--from source --wait\n");
  });
});
