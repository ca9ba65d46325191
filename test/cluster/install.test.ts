/** The chart in use: upgraded, tested, taken away in the middle of a capture, put back. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { installChart, operatorNamespace } from "../../demo/stage.ts";
import { claim, idle, installApp, lockTable, podSpec, policy, toolbox, workload } from "../support/app.ts";
import { Bed, type Task, type WorkloadBody, isTrue, stage, waitUntil } from "../support/bed.ts";

jest.setTimeout(600_000);

const of = stage();
const helm = (...args: readonly string[]): Promise<string> => of.helm(...args, "--namespace", operatorNamespace);
let bed: Bed;
let other: Bed;
let unlock: (() => Promise<void>) | undefined;

beforeAll(async () => {
  [bed, other] = await Promise.all([Bed.open("e2e-install"), Bed.open("e2e-install-b")]);
  await Promise.all([
    installApp(bed).then(() => bed.apply(policy("shop"))),
    other
      .apply(
        ...["uploads", "store", "vault"].map((name) => claim(name)),
        workload("Deployment", "web", podSpec({ script: idle, claims: { "/uploads": "uploads" } })),
        toolbox({ "/vault": "vault" }),
        policy("shop", { databases: [] }),
      )
      .then(() => other.ready("web"))
      .then(() => other.sh("deploy/web", "echo b >/uploads/b")),
  ]);
});
afterAll(async () => {
  await unlock?.();
  await installChart(of);
  await Promise.all([bed?.close(), other?.close()]);
  await of.api.close();
});

test("policies and runs of the same names in two namespaces have nothing to do with each other", async () => {
  const runs = await Promise.all([bed.run("same", "shop"), other.run("same", "shop")]);
  expect(runs.map(({ status }) => [status.result, status.app, status.generation?.files])).toEqual([
    ["Complete", "Up", 3],
    ["Complete", "Up", 1],
  ]);
  expect((await other.sh("deploy/toolbox", "ls /vault")).trim().split("\n")).toEqual([
    "e2e-install-b",
    "handover.json",
  ]);
});

test("an upgrade with other values takes effect, and helm test finds the controller well", async () => {
  await installChart(of, "logLevel=debug", "workers=2");
  const deployment = await bed.kubectl("-n", operatorNamespace, "get", "deployment/handover", "-o", "json");
  const { spec, status } = JSON.parse(deployment);
  const env = new Map(
    spec.template.spec.containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  expect([env.get("HANDOVER_LOG_LEVEL"), env.get("HANDOVER_WORKERS")]).toEqual(["debug", "2"]);
  expect(status.readyReplicas).toBe(1);
  expect(await helm("test", "handover")).toMatch(/Phase:\s+Succeeded/);
});

test("an uninstall in the middle of a capture brings the app back, and leaves kinds, policies, runs and data", async () => {
  unlock = await lockTable(bed);
  await bed.start("interrupted", "shop");
  await bed.step("interrupted", "Capture", ["Running"]);
  expect((await bed.get<WorkloadBody>("Deployment", "web")).spec.replicas).toBe(0);
  await helm("uninstall", "handover", "--wait");
  await bed.ready("web");
  const records = "?labelSelector=backup.handover.dev/quiesce-record";
  expect(await bed.list("Lease", records)).toEqual([]);
  expect(
    await bed.kubectl("-n", operatorNamespace, "get", "all,sa", "-o", "name", "-l", "app.kubernetes.io/name=handover"),
  ).toBe("");
  expect((await bed.k("get", "crd", "-o", "name")).match(/backup\.handover\.dev/g)).toHaveLength(3);
  expect((await bed.k("get", "bpol,brun", "-o", "name")).trim().split("\n")).toEqual([
    "backuppolicy.backup.handover.dev/shop",
    "backuprun.backup.handover.dev/interrupted",
    "backuprun.backup.handover.dev/same",
  ]);
  // Nobody is left who would take them away, and a namespace that is deleted would stay for ever.
  expect(await bed.k("get", "brun", "-o", "jsonpath={.items[*].metadata.finalizers}")).toBe("");
  expect(await bed.sh("deploy/toolbox", "ls /vault/e2e-install/shop/store")).toContain("000001");
});

test("put back, it ends the run that was interrupted and goes on with the same generations", async () => {
  await unlock?.();
  unlock = undefined;
  await installChart(of);
  const interrupted = await bed.finished("interrupted");
  expect(interrupted.status).toMatchObject({ result: "Failed", code: "HO-S209", app: "Up" });
  expect(isTrue(interrupted, "AppRestored")).toBe(true);
  const next = await bed.run("next", "shop");
  expect(next.status).toMatchObject({ result: "Complete", app: "Up" });
  const stored = await waitUntil(
    "both generations are there",
    () => bed.sh("deploy/toolbox", "ls /vault/e2e-install/shop/store"),
    (names) => names.includes(next.status.generation?.id ?? "?"),
  );
  expect(stored.trim().split("\n")).toHaveLength(2);
  expect((await bed.get<Task>("BackupRun", "same")).status.result).toBe("Complete");
});
