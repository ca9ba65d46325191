/** The plugin as people have it: one bundled file without an ending, started by its name. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { aPolicy } from "../support/builders.ts";
import { FakeApiServer } from "../unit/cluster/fake-api-server.ts";
import { kubeconfigOf } from "../unit/cli/command-bed.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "handover-plugin-"));
const plugin = join(directory, "kubectl-handover");
const kubeconfig = join(directory, "config");
let api: FakeApiServer;

beforeAll(async () => {
  const bundle = join(directory, "bundle.mjs");
  const { status, stderr } = spawnSync("npm", ["run", "--silent", "bundle:plugin", "--", `--outfile=${bundle}`], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  copyFileSync(bundle, plugin);
  chmodSync(plugin, 0o755);
  api = await new FakeApiServer().start();
  api.handler = ({ path }) => ({ status: 200, body: { items: path.endsWith("policies") ? [aPolicy().build()] : [] } });
  writeFileSync(kubeconfig, kubeconfigOf(api.url));
});
afterAll(async () => {
  await api.stop();
  rmSync(directory, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
/** With the Node that runs the tests first on the PATH. */
async function start(...argv: readonly string[]): Promise<Ended> {
  const env = { PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter), KUBECONFIG: kubeconfig };
  const child = spawn(plugin, argv, { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err };
}

test("it works by its name, with the user's kubeconfig, and leaves nothing open", async () => {
  expect(await start("list")).toMatchObject({ code: 0, err: "", out: expect.stringMatching(/^shop\/shop\n/) });
  expect(api.received.at(-1)?.headers).toMatchObject({
    "user-agent": expect.stringMatching(/^kubectl-handover\//),
    authorization: "Bearer t",
  });
});

test("its exit code is that of the verb", async () => {
  expect(await start("list", "--frobnicate")).toMatchObject({ code: 2, out: "" });
  expect(await start("--version")).toMatchObject({ code: 0, out: expect.stringMatching(/^kubectl-handover \d/) });
});
