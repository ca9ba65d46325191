/** kubectl handover on a real cluster: the plugin's own program, the schema's own word, and the rights of a person who may only look. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { runCli } from "../../operator/cli/program.ts";
import { processTerminal } from "../../operator/cli/terminal.ts";
import { installApp, policy } from "../support/app.ts";
import { Bed, type Task } from "../support/bed.ts";

jest.setTimeout(600_000);

const kubeconfig = process.env["HANDOVER_TEST_KUBECONFIG"] ?? "";
let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open("e2e-cli");
  await installApp(bed);
  await bed.apply(policy("shop"));
});
afterAll(() => bed?.close());

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
async function handover(...argv: readonly string[]): Promise<Outcome> {
  let out = "";
  let err = "";
  const terminal = {
    ...processTerminal(),
    out: (text: string): void => void (out += text),
    err: (text: string): void => void (err += text),
  };
  const code = await runCli(["--kubeconfig", kubeconfig, "-n", bed.namespace, ...argv], terminal);
  return { code, out, err };
}
const json = async <T>(...argv: readonly string[]): Promise<T> => {
  const { code, out, err } = await handover(...argv, "-o", "json");
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${err}`);
  return JSON.parse(out) as T;
};

interface Shown {
  readonly id: string;
  readonly seq: number;
  readonly run: string;
  readonly restorableFrom: readonly string[];
  readonly restore: { readonly planned: readonly string[]; readonly atOnce: string };
  readonly hold: object | null;
}

test("now --wait brings a run to its end, phase by phase, and list and show tell of what it has made", async () => {
  const { code, out, err } = await handover("now", "shop", "--wait");
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/^BackupRun shop-now-\w+ was created\n/);
  expect(out).toMatch(/ App Stopped/);
  expect(out).toMatch(/shop-now-\w+ is Complete, App Up, generation 000001-\S+-full, downtime /);

  const { generations } = await json<{ readonly generations: readonly Shown[] }>("list", "shop");
  expect(generations).toMatchObject([{ seq: 1, restorableFrom: ["source", "vault"] }]);
  const shown = await json<Shown>("show", "1");
  expect(shown).toMatchObject({ id: generations[0]?.id, hold: null });
  // The server takes what the commands send.
  const [, request = ""] = /^echo '(.*)' \|/.exec(shown.restore.planned[0] ?? "") ?? [];
  const { status } = await bed.api.call(
    "POST",
    `/apis/backup.handover.dev/v1alpha1/namespaces/${bed.namespace}/restorerequests?dryRun=All`,
    JSON.parse(request),
  );
  expect(status).toBe(201);
});

test("hold and release write what the schema lets through, to the run of the generation", async () => {
  const { run } = await json<Shown>("show", "1");
  expect((await handover("hold", "1", "--reason", "e2e", "--until", "1d")).code).toBe(0);
  const held = await bed.get<Task & { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } }>(
    "BackupRun",
    run,
  );
  expect(held.metadata.annotations["backup.handover.dev/hold"]).toMatch(/^20\S+Z e2e$/);
  expect((await json<Shown>("show", "1")).hold).toMatchObject({ reason: "e2e", expired: false });
  expect((await handover("release", "1")).code).toBe(0);
  expect((await json<Shown>("show", "1")).hold).toBeNull();
});

test("a simulation changes nothing", async () => {
  const before = await bed.k("get", "bpol,brun", "-o", "jsonpath={.items[*].metadata.resourceVersion}");
  const { code, out } = await handover(
    "prune",
    "shop",
    "--simulate",
    "--keep",
    "last=1,minVerified=1",
    "--until",
    "30d",
  );
  expect([code, out]).toEqual([0, expect.stringContaining("SIMULATED: nothing was changed")]);
  expect(await bed.k("get", "bpol,brun", "-o", "jsonpath={.items[*].metadata.resourceVersion}")).toBe(before);
});

test("what does not exist is 4, a wrong line 2", async () => {
  expect((await handover("show", "99")).code).toBe(4);
  expect((await handover("now", "nope")).code).toBe(4);
  expect((await handover("now", "shop", "--sinks", "nope")).code).toBe(4);
  expect((await handover("prune", "shop")).code).toBe(2);
});

test("adopt makes the runs again of what lies at the sink, after all of them were lost, and prunes nothing", async () => {
  expect((await handover("now", "shop", "--type", "Database", "--wait")).code).toBe(0);
  const before = (await json<{ readonly generations: readonly Shown[] }>("list", "shop")).generations;
  expect(before).toHaveLength(2);
  await bed.k("delete", "brun", "--all", "--wait");
  expect((await json<{ readonly generations: readonly Shown[] }>("list", "shop")).generations).toEqual([]);
  const { code, out } = await handover("adopt", "shop", "--from", "vault", "--wait");
  expect([code, out]).toEqual([0, expect.stringContaining("Done: 2 runs made of 2 generations at vault")]);
  const after = (await json<{ readonly generations: readonly Shown[] }>("list", "shop")).generations;
  expect(after.map(({ id, run }) => [id, run])).toEqual(before.map(({ id }) => [id, `shop-${id.slice(0, 6)}`]));
  for (const one of after) expect(one.restorableFrom).toEqual(["vault"]);
  // Its Jobs are gone, and asked once more it makes nothing.
  expect((await bed.k("get", "jobs", "-o", "name")).trim()).toBe("");
  const uids = async (): Promise<string> => bed.k("get", "brun", "-o", "jsonpath={.items[*].metadata.uid}");
  const made = await uids();
  expect((await handover("adopt", "shop", "--from", "vault", "--wait")).code).toBe(0);
  expect(await uids()).toBe(made);
  // A lineage that went on meanwhile goes on from where it was.
  expect((await handover("now", "shop", "--wait")).out).toMatch(/generation 000003-/);
});

describe("a person who may only look", () => {
  test("may list, show and simulate; the rest is 3 and changes nothing", async () => {
    await bed.k("create", "serviceaccount", "looker");
    await bed.k("create", "rolebinding", "looker", "--clusterrole=view", `--serviceaccount=${bed.namespace}:looker`);
    const token = (await bed.k("create", "token", "looker")).trim();
    const theirs = `${kubeconfig}.looker`;
    const config = JSON.parse(await bed.kubectl("config", "view", "--raw", "--minify", "-o", "json")) as {
      users: { name: string; user: object }[];
    };
    config.users = config.users.map(({ name }) => ({ name, user: { token } }));
    writeFileSync(theirs, JSON.stringify(config));
    const looks = async (...argv: readonly string[]): Promise<number> =>
      (await handover(...argv, "--kubeconfig", theirs)).code;
    expect(await looks("list", "shop")).toBe(0);
    expect(await looks("show", "1")).toBe(0);
    expect(await looks("prune", "shop", "--simulate")).toBe(0);
    expect(await looks("list", "-A")).toBe(3);
    expect(await looks("now", "shop")).toBe(3);
    expect(await looks("hold", "1", "--reason", "x")).toBe(3);
    // Of what a run tells of, it would say first that it lies in no trash.
    await bed.k("delete", "brun", "shop-000002", "--wait");
    expect(await looks("undelete", "2", "--policy", "shop")).toBe(3);
  });
});
