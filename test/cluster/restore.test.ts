/** Restores on a real cluster, judged by plain tools: what comes back equals what was there, and what is refused changes nothing. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { listFiles, makeOddFiles } from "../support/app-files.ts";
import { installApp, policy } from "../support/app.ts";
import { Bed, type Task, type WorkloadBody, isTrue, stepOf } from "../support/bed.ts";

jest.setTimeout(900_000);

interface State {
  readonly files: string;
  readonly rows: string;
}
interface Known extends State {
  readonly id: string;
  readonly sealedAt: string;
}

const namespace = "e2e-restore";
let bed: Bed;
let first: Known;
let second: Known;

const rowsOf = (): Promise<string> =>
  bed.sql(
    "shop",
    `SELECT count(*), max(id), md5(string_agg(o::text, ',' ORDER BY id)), (SELECT last_value FROM orders_id_seq) FROM orders o;
     SELECT count(*), md5(string_agg(coalesce(t, '~'), ',' ORDER BY t)) FROM "odd ""name""";
     SELECT tableowner FROM pg_tables WHERE tablename = 'orders'`,
  );
const stateNow = async (): Promise<State> => ({ files: await listFiles(bed, "deploy/web"), rows: await rowsOf() });
const workload = (): Promise<WorkloadBody> => bed.get<WorkloadBody>("Deployment", "web");

async function backUp(name: string): Promise<Known> {
  const state = await stateNow();
  const { status } = await bed.run(name, "shop");
  expect(status.result).toBe("Complete");
  return { ...state, id: status.generation?.id ?? "", sealedAt: String(status.generation?.["sealedAt"]) };
}

async function destroy(): Promise<void> {
  await bed.sql("shop", "DROP TABLE orders");
  await bed.sh("deploy/web", "cd /uploads; rm -rf ./* ; echo vandal >docs");
}

async function expectRestored(task: Task, state: State, app = "Up"): Promise<void> {
  expect(task.status).toMatchObject({ result: "Complete", app, code: "", advice: "" });
  expect(["Restored", "AppRestored", "Succeeded"].filter((type) => !isTrue(task, type))).toEqual([]);
  await expectState(state);
}

async function expectState(state: State): Promise<void> {
  await bed.ready("web");
  const { files, rows } = await stateNow();
  expect(files).toBe(state.files);
  expect(rows).toBe(state.rows);
  const databases = await bed.sql("postgres", "SELECT count(*) FROM pg_database WHERE NOT datistemplate");
  expect(databases).toBe("2");
  expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
}

beforeAll(async () => {
  bed = await Bed.open(namespace);
  await installApp(bed);
  await bed.sh("deploy/web", `cd /uploads; ${makeOddFiles}`);
  await bed.apply(policy("shop", { more: { retention: { source: { last: 2 }, sinks: { last: 5 } } } }));
  first = await backUp("first");
  await bed.sql(
    "shop",
    "SET ROLE shop; INSERT INTO orders (what) VALUES ('one more'); DELETE FROM orders WHERE id < 10",
  );
  await bed.sh(
    "deploy/web",
    "cd /uploads; echo changed >page.txt; rm docs/a.txt; echo new >docs/new.txt; rm odd/linked-2",
  );
  second = await backUp("second");
});
afterAll(() => bed?.close());

describe("a restore in place", () => {
  test("of the latest from the sink, after a table was dropped and the files deleted, brings everything back", async () => {
    await destroy();
    const task = await bed.restore("latest", "shop", { from: { latest: true, location: "vault" } });
    expect(task.status.plan).toMatchObject({ generation: second.id, from: "vault" });
    await expectRestored(task, second);
    expect(task.status.downtime).toMatch(/s$/);
  });

  test("of a moment, only a volume: the database stays as it is", async () => {
    const before = new Date(Date.parse(first.sealedAt) + 1_000).toISOString();
    const task = await bed.restore("moment", "shop", { from: { before }, include: { volumes: ["uploads"] } });
    expect(task.status.plan).toMatchObject({ generation: first.id });
    await expectRestored(task, { files: first.files, rows: second.rows });
  });

  test("of a generation by its number, only the database: the volume stays as it is", async () => {
    await bed.sh("deploy/web", "echo untouched >/uploads/mark");
    const files = await listFiles(bed, "deploy/web");
    const from = { generation: first.id.slice(0, 6) };
    const task = await bed.restore("number", "shop", { from, include: { databases: ["shop"] } });
    expect(task.status.plan).toMatchObject({ generation: first.id });
    await expectRestored(task, { files, rows: first.rows });
  });

  test("with planOnly changes nothing until it is approved, even for an app at zero, which stays there", async () => {
    const before = await stateNow();
    const { generation } = (await workload()).metadata;
    await bed.startRestore("planned", "shop", { from: { generation: second.id }, planOnly: true });
    const { status } = await bed.until<Task>("RestoreRequest", "planned", "Planned", (task) => isTrue(task, "Planned"));
    expect(status).toMatchObject({ result: "", app: "Up", plan: { generation: second.id } });
    expect(status.advice).toMatch(/Nothing has been changed.*kubectl -n e2e-restore patch rreq planned/);
    expect((await workload()).metadata.generation).toBe(generation);
    expect(await listFiles(bed, "deploy/web")).toBe(before.files);

    await bed.patch("Deployment", "web", { spec: { replicas: 0 } });
    await bed.until<WorkloadBody>("Deployment", "web", "it is at zero", (seen) => (seen.status.replicas ?? 0) === 0);
    // The command of the advice, as it stands there.
    const [, json = ""] = /-p '(.*)'/.exec(status.advice) ?? [];
    await bed.k("patch", "rreq", "planned", "--type", "merge", "-p", json);
    const task = await bed.finished("planned", "RestoreRequest");
    expect(task.status).toMatchObject({ result: "Complete", code: "" });
    expect((await workload()).spec.replicas).toBe(0);
    await bed.patch("Deployment", "web", { spec: { replicas: 1 } });
    await expectRestored(task, second, "Parked");
  });
});

describe("a restore that cannot be done", () => {
  test.each([
    ["none-such", { from: { generation: "000099" } }, "HO-R801", "000002"],
    ["too-early", { from: { before: "2001-01-01T00:00:00Z" } }, "HO-R801", "000001"],
    ["no-part", { from: { latest: true }, include: { volumes: ["attic"] } }, "HO-R805", "attic"],
    ["no-place", { from: { latest: true, location: "attic" } }, "HO-P112", "attic"],
  ])("%s is refused, the app untouched", async (name, spec, code, names) => {
    const { generation } = (await workload()).metadata;
    const { status } = await bed.restore(name, "shop", spec);
    expect(status).toMatchObject({ result: "Failed", code, app: "Up" });
    expect(status.advice).toMatch(
      new RegExp(`^${code} .*${names}.*\\. App: not stopped\\. Data: .*\\. Next: .*kubectl `),
    );
    expect(isTrue({ status } as Task, "AppRestored")).toBe(true);
    expect((await workload()).metadata.generation).toBe(generation);
  });

  test("because the copy at the chosen location is damaged names it; the app is untouched", async () => {
    const { generation } = (await workload()).metadata;
    const file = `/vault/${namespace}/shop/store/${second.id}/volumes/uploads.tar.zst`;
    await bed.sh(
      "deploy/toolbox",
      `chmod u+w ${file}; printf X | dd of=${file} bs=1 seek=100000 conv=notrunc status=none`,
    );
    const task = await bed.restore("damaged", "shop", { from: { generation: second.id, location: "vault" } });
    expect(task.status).toMatchObject({ result: "Failed", code: "HO-R802", app: "Up" });
    expect(stepOf(task, "Quiesce")?.state).not.toBe("Done");
    expect((await workload()).metadata.generation).toBe(generation);
    // Nothing staged is left on the volume of the app or on its server.
    await expectState(second);
  });

  test("because a run is active, and the other way round", async () => {
    await bed.start("busy", "shop", { type: "Database" });
    await bed.until<Task>("BackupRun", "busy", "Accepted", (run) => isTrue(run, "Accepted"));
    const { status } = await bed.restore("while-busy", "shop", { from: { latest: true } });
    expect(status).toMatchObject({ result: "Failed", code: "HO-R806", app: "Unknown" });
    expect(status.advice).toContain("busy");
    expect((await bed.finished("busy")).status.result).toBe("Complete");

    await bed.startRestore("slow", "shop", { from: { generation: first.id } });
    await bed.until<Task>("RestoreRequest", "slow", "Accepted", (task) => isTrue(task, "Accepted"));
    const run = await bed.run("while-restoring", "shop");
    expect(run.status).toMatchObject({ result: "Failed", code: "HO-R806", app: "Unknown" });
    await expectRestored(await bed.finished("slow", "RestoreRequest"), first);
  });
});
