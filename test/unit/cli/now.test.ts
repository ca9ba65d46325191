/** Starting a run and following it: what is created, what is told, how it ends. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { BackupRun, RestoreRequest, RunStatus } from "../../../operator/api/kinds.ts";
import { aRestore, aRun } from "../../support/builders.ts";
import { CommandBed } from "./command-bed.ts";
import { expectGolden } from "./golden.ts";
import { scene } from "./scene.ts";
import { status } from "../cluster/fake-api-server.ts";

let bed: CommandBed;
beforeEach(async () => {
  const { policy, runs } = scene();
  bed = await CommandBed.open(policy, ...runs);
});
afterEach(() => bed.close());

const name = "shop-now-abcde";
/** What the controller does, one state for each pause of the command. */
function play(...states: readonly (RunStatus | "deleted")[]): void {
  const left = [...states];
  bed.paused = () => {
    const next = left.shift();
    if (next === "deleted") bed.objects.delete(`backupruns/shop/${name}`);
    else if (next !== undefined) bed.put({ ...bed.run(name), status: next });
  };
}
const going = (phase: string, app: RunStatus["app"]): RunStatus => ({ phase, app: app ?? "Up" });
const over = (result: "Complete" | "AtRisk" | "Failed", change: RunStatus = {}): RunStatus => ({
  ...aRun()
    .finished(result, result === "Failed" ? undefined : "000044-20261129T120000Z-full")
    .build().status,
  phase: "Done",
  app: "Up",
  ...change,
});

test("creates a run of the policy, whose name the server makes up", async () => {
  const { code, out } = await bed.handover(
    "now",
    "shop",
    "--type",
    "database",
    "--sinks",
    "vault,offsite",
    "--sinks",
    "vault",
  );
  expect([code, out]).toEqual([0, `BackupRun ${name} was created\nFollow: kubectl -n shop get brun ${name} -w\n`]);
  expect(bed.writes.map(({ body }) => body)).toEqual([
    {
      apiVersion: "backup.handover.dev/v1alpha1",
      kind: "BackupRun",
      metadata: { generateName: "shop-now-", namespace: "shop", labels: { "backup.handover.dev/policy": "shop" } },
      spec: { policyName: "shop", type: "Database", sinks: ["vault", "offsite"] },
    },
  ]);
});

test("without options it leaves type and sinks to the schema", async () => {
  await bed.handover("now", "shop");
  expect(bed.writes[0]?.body).toMatchObject({ spec: { policyName: "shop" } });
});

describe("while another of the policy is not over", () => {
  test.each<[string, BackupRun | RestoreRequest, string]>([
    ["a run", aRun("shop-active").build(), "brun/shop-active"],
    ["a restore", aRestore("back").build(), "rreq/back"],
  ])("%s: nothing is started, and that is no success", async (_what, active, short) => {
    bed.put(active);
    for (const options of [[], ["--wait"], ["-o", "name"], ["-o", "json"]]) {
      const { code, out, err } = await bed.handover("now", "shop", ...options);
      expect([code, out]).toEqual([1, ""]);
      expect(err).toContain(`error: no run was started: the `);
      expect(err).toContain(`${active.metadata.name} of policy shop is not over`);
      expect(err).toContain(`\nNext: kubectl -n shop wait ${short} --for=condition=Finished `);
    }
    expect(bed.writes).toEqual([]);
  });

  test.each<[string, BackupRun | RestoreRequest]>([
    ["a run of another policy", aRun("active").forPolicy("other").build()],
    ["a run that is over", aRun("shop-over").finished("Failed").build()],
    ["a restore that only plans", aRestore("back").spec({ planOnly: true }).build()],
  ])("%s does not stand against it", async (_what, other) => {
    bed.put(other);
    expect((await bed.handover("now", "shop")).code).toBe(0);
  });

  test("whoever may not list leaves it to the controller", async () => {
    bed.put(aRun("shop-active").build());
    bed.before = ({ method, path }) =>
      method === "GET" && /\/(backupruns|restorerequests)$/.test(path.split("?")[0] ?? "")
        ? status(403, "Forbidden")
        : undefined;
    expect(await bed.handover("now", "shop")).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${name} was created`),
    });
  });
});

test("-o name is the name alone, -o json the object", async () => {
  expect((await bed.handover("now", "shop", "-o", "name")).out).toBe(`${name}\n`);
  bed.put({ ...bed.run(name), status: over("Complete") });
  expect(JSON.parse((await bed.handover("now", "shop", "-o", "json")).out)).toMatchObject({
    kind: "BackupRun",
    metadata: { name },
  });
});

describe("--wait", () => {
  test("prints one line for each change of phase, and the end", async () => {
    play(
      going("Preflight 1/8", "Up"),
      going("Quiesce 3/8", "Stopped"),
      going("Quiesce 3/8", "Stopped"),
      going("Transport 7/8", "Up"),
      over("Complete", { downtime: "4.8s" }),
    );
    const { code, out, err } = await bed.handover("now", "shop", "--wait");
    expectGolden("now-wait", out);
    expect([code, err]).toEqual([0, ""]);
  });

  test("why it is a full one is told once", async () => {
    const display = (message: string): RunStatus => ({ display: { message } });
    const why = "Full instead of Incremental: there is no generation yet";
    play(
      { ...going("Warm 3/8", "Up"), ...display(why) },
      { ...going("Warm 3/8", "Up"), ...display(why) },
      { ...going("Capture 5/8", "Stopped"), ...display(`attempt 2; ${why}`) },
      over("Complete", display(`9 files; ${why}`)),
    );
    const { out } = await bed.handover("now", "shop", "--wait");
    expect(out.split("Full instead of")).toHaveLength(2);
    expect(out.match(/Warm/g)).toHaveLength(1);
    expect(out).toMatch(/App Stopped {2}attempt 2\n/);
  });

  test.each(["AtRisk", "Failed"] as const)(
    "of a run that is %s it prints the advice and ends with 1",
    async (result) => {
      play(over(result, { advice: "HO-T501 no way there. App: running. Data: waits. Next: kubectl -n shop get pvc" }));
      const { code, out, err } = await bed.handover("now", "shop", "--wait");
      expect(code).toBe(1);
      expect(out).toContain(`${name} is ${result}, App Up`);
      expect(err).toBe("HO-T501 no way there\n  App: running\n  Data: waits\n  Next: kubectl -n shop get pvc\n");
    },
  );

  test("with -o json the finished run alone is printed", async () => {
    play(going("Preflight 1/8", "Up"), over("Complete"));
    expect(JSON.parse((await bed.handover("now", "shop", "--wait", "-o", "json")).out)).toMatchObject({
      status: { result: "Complete" },
    });
  });

  test("Ctrl-C ends the following, not the run, and says so", async () => {
    bed.paused = () => bed.interrupt?.();
    const { code, err } = await bed.handover("now", "shop", "--wait");
    expect(code).toBe(130);
    expect(err).toMatch(/Not followed any more\. The run shop-now-abcde goes on\./);
    expect(bed.run(name).metadata.annotations).toBeUndefined();
    expect(bed.interrupt).toBeUndefined();
  });

  test("a run that is deleted meanwhile, or made anew under the same name, is no success", async () => {
    play("deleted");
    expect(await bed.handover("now", "shop", "--wait")).toMatchObject({
      code: 1,
      err: expect.stringContaining("was deleted"),
    });
    bed.paused = () =>
      bed.put({ ...bed.run(name), metadata: { ...bed.run(name).metadata, uid: "another" }, status: over("Complete") });
    expect((await bed.handover("now", "shop", "--wait")).code).toBe(1);
  });

  test("a cluster that is away for a while is waited for", async () => {
    let gets = 0;
    bed.before = ({ method, path }) =>
      method === "GET" && path.endsWith(name) && gets++ < 3 ? status(503, "ServiceUnavailable") : undefined;
    play(going("Preflight 1/8", "Up"), going("Preflight 1/8", "Up"), going("Preflight 1/8", "Up"), over("Complete"));
    const { code, err } = await bed.handover("now", "shop", "--wait");
    expect(code).toBe(0);
    expect(err.match(/still trying/g)).toHaveLength(1);
  });

  test("one that stays away ends it with 5", async () => {
    bed.before = ({ method, path }) =>
      method === "GET" && path.endsWith(name) ? status(503, "ServiceUnavailable") : undefined;
    expect((await bed.handover("now", "shop", "--wait")).code).toBe(5);
  });
});

test.each([
  [["now", "nope"], 4, "there is no BackupPolicy nope in namespace shop; there is: shop"],
  [["now", "shop", "--sinks", "valut"], 4, "policy shop has no sink valut; it has: vault, offsite"],
  [["now", "shop", "--type", "Weekly"], 2, "--type Weekly is not one of Full, Incremental, Differential, Database"],
  [["now"], 2, "now needs POLICY"],
] as const)("%j ends with %d and creates nothing", async (argv, expected, words) => {
  const { code, err } = await bed.handover(...argv);
  expect([code, err]).toEqual([expected, expect.stringContaining(words)]);
  expect(bed.writes).toEqual([]);
});
