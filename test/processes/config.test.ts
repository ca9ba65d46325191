/** Configuration: what the kubelet mounts gets into a generation of its own, byte by byte, or nothing does when nothing has changed. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { ResultOf } from "../../operator/contract/result.ts";
import type { ConfigRef } from "../../operator/contract/task.ts";
import { formatGenerationId } from "../../operator/domain/generation.ts";
import { manifestSchema } from "../../operator/domain/manifest.ts";
import { collect } from "../../operator/mover/steps/collect.ts";
import { plan } from "../../operator/mover/steps/plan.ts";
import { preflight } from "../../operator/mover/steps/preflight.ts";
import { seal } from "../../operator/mover/steps/seal.ts";
import { common, createBed, preflightTask, sealTask, type MoverBed } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";

jest.setTimeout(240_000);

const settings: ConfigRef = { kind: "ConfigMap", name: "settings" };
const keys: ConfigRef = { kind: "Secret", name: "keys", keys: ["session", "saml.pem"] };
const both = [settings, keys];
const secret = "hunter2-and-more";

let bed: MoverBed;
beforeEach(async () => {
  bed = createBed();
  put(settings, { "app.ini": "colour = green\n", ".hidden": "", "binary.dat": Buffer.from([0, 255, 10]) });
  put(keys, { session: secret, "saml.pem": "pem" });
  await preflight({ ...preflightTask({ volumes: [] }), type: "Config" }, bed.context("preflight-1"));
});
afterEach(() => bed.dispose());

let revision = 0;
/** As a kubelet does: a directory of the moment, a link to it that is exchanged, and a link for each key. */
function put({ kind, name }: ConfigRef, content: Readonly<Record<string, string | Buffer>>): void {
  const root = join(bed.root, "config", kind.toLowerCase(), name);
  mkdirSync(root, { recursive: true });
  const moment = `..2026_${++revision}`;
  mkdirSync(join(root, moment));
  for (const [key, value] of Object.entries(content)) writeFileSync(join(root, moment, key), value);
  symlinkSync(moment, join(root, "..next"));
  renameSync(join(root, "..next"), join(root, "..data"));
  for (const key of readdirSync(root)) if (!key.startsWith("..") && !(key in content)) rmSync(join(root, key));
  for (const key of Object.keys(content))
    if (!readdirSync(root).includes(key)) symlinkSync(join("..data", key), join(root, key));
}
const collecting = (seq: number, configs = both): Promise<ResultOf<"collect">> =>
  collect({ ...common, step: "collect", seq, configs, volumes: [] }, bed.context(`pod-${seq}`));
const sealing = (seq: number, configs = both): Promise<ResultOf<"seal">> =>
  seal(
    {
      ...sealTask({ seq, runUID: `run-${seq}`, podUID: `pod-${seq}`, volumes: [] }),
      id: formatGenerationId(seq, "2026-11-21T01:02:03Z", "Config"),
      type: "Config",
      consistency: "Running",
      configs,
    },
    bed.context(`seal-${seq}`),
  );
async function make(seq: number, configs = both): Promise<string> {
  expect((await collecting(seq, configs)).unchanged).toBeUndefined();
  return join(bed.layout.handover, (await sealing(seq, configs)).id);
}

test("a key that is named like a file of ours that a death has left is captured all the same, and such a file is not", async () => {
  const name = ".x.0123456789ab.tmp";
  put(settings, { "app.ini": "colour = green\n", [name]: "kept" });
  await collecting(1);
  const staged = join(bed.layout.staging, "000001-pod-1");
  writeFileSync(join(staged, "config/configmap/settings/.app.ini.0123456789ab.tmp"), "half");
  const { id } = await sealing(1);
  const directory = join(bed.layout.handover, id, "config/configmap/settings");
  expect(readdirSync(directory).toSorted()).toEqual([name, "app.ini"]);
  expect(readFileSync(join(directory, name), "utf8")).toBe("kept");
});

describe("a generation of the configuration", () => {
  test("holds every key as it is, with its digest, and nothing else", async () => {
    expect(await collecting(1)).toMatchObject({ files: 5, objects: 2 });
    const path = join(bed.layout.handover, (await sealing(1)).id);
    const read = (file: string): Buffer => readFileSync(join(path, "config", file));
    expect(read("configmap/settings/binary.dat")).toEqual(Buffer.from([0, 255, 10]));
    expect(read("configmap/settings/.hidden").length).toBe(0);
    expect(read("secret/keys/session").toString()).toBe(secret);
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")));
    expect(manifest).toMatchObject({
      type: "Config",
      parent: "",
      configs: [
        { kind: "ConfigMap", name: "settings", keys: [".hidden", "app.ini", "binary.dat"] },
        { kind: "Secret", name: "keys", keys: ["saml.pem", "session"] },
      ],
      databases: [],
      volumes: [],
      totals: { files: 5, tables: 0 },
    });
    expect(manifest.files.filter(({ path: file }) => file.startsWith("config/")).length).toBe(5);
    expect(run("sha256sum", ["-c", "--quiet", "manifest.sha256", "SHA256SUMS"], { cwd: path })).toBe("");
    expect(run("sh", ["restore.sh", "--check"], { cwd: path })).toContain("comparing");
    const guide = readFileSync(join(path, "RESTORE.md"), "utf8");
    expect(guide).toContain("`config/secret/keys/`: Secret `keys`, 2 keys");
    expect(guide).not.toContain("RestoreRequest");
    expect(run("find", [path, "-type", "f", "-perm", "/077"])).toBe("");
    expect(JSON.stringify(bed.logged)).not.toContain(secret);
  });

  test("is not made when nothing has changed, however often it is looked at, and nothing is left of the look", async () => {
    const first = await make(1);
    put(settings, { "app.ini": "colour = green\n", ".hidden": "", "binary.dat": Buffer.from([0, 255, 10]) });
    for (const seq of [2, 3]) expect(await collecting(seq)).toMatchObject({ unchanged: first.split("/").at(-1) });
    expect(readdirSync(bed.layout.staging)).toEqual([]);
  });

  test.each<[string, () => void]>([
    [
      "a value is another of the same length",
      () => put(keys, { session: secret.replace("2", "3"), "saml.pem": "pem" }),
    ],
    [
      "a key has come",
      () =>
        put(settings, {
          "app.ini": "colour = green\n",
          ".hidden": "",
          "binary.dat": Buffer.from([0, 255, 10]),
          new: "",
        }),
    ],
    ["a key has gone", () => put(settings, { "app.ini": "colour = green\n", "binary.dat": Buffer.from([0, 255, 10]) })],
  ])("is made when %s", async (_name, change) => {
    await make(1);
    change();
    await make(2);
    expect(readdirSync(bed.layout.handover).length).toBe(2);
  });
  test("is made when the policy names less, or the newest one is damaged", async () => {
    const first = await make(1);
    const second = await make(2, [settings]);
    expect((await collecting(3, [settings])).unchanged).toBe(second.split("/").at(-1));
    writeFileSync(join(second, "config/configmap/settings/app.ini"), "colour = blue!\n");
    expect((await collecting(4, [settings])).unchanged).toBeUndefined();
    // The state is compared with the newest one alone: going back to an older one is a change.
    rmSync(second, { recursive: true });
    expect((await collecting(5)).unchanged).toBe(first.split("/").at(-1));
  });

  test("is made when the newest one is of a former policy, whose lineage was taken over", async () => {
    await make(1);
    const lineage = readFileSync(bed.layout.lineage, "utf8");
    writeFileSync(bed.layout.lineage, lineage.replace(common.policyUID, "another-uid"));
    const task = { ...common, policyUID: "another-uid", step: "collect" as const, seq: 2, configs: both, volumes: [] };
    expect((await collect(task, bed.context("pod-2"))).unchanged).toBeUndefined();
  });

  test("is compared with the newest one, wherever it lies at the source", async () => {
    const first = await make(1);
    put(keys, { session: "other", "saml.pem": "pem" });
    const second = await make(2);
    for (const path of [first, second]) renameSync(path, join(bed.layout.store, path.split("/").at(-1)!));
    put(keys, { session: secret, "saml.pem": "pem" });
    expect((await collecting(3)).unchanged).toBeUndefined();
  });
});

describe("what cannot be captured as it is asked for", () => {
  const remove = ({ kind, name }: ConfigRef): void =>
    rmSync(join(bed.root, "config", kind.toLowerCase(), name), { recursive: true });
  test.each<[string, () => void, string]>([
    ["no ConfigMap", () => remove(settings), "ConfigMap settings does not exist"],
    ["a ConfigMap without keys", () => put(settings, {}), "ConfigMap settings does not exist, or has no keys"],
    ["no Secret", () => remove(keys), "Secret keys does not exist, or has not one of the keys session, saml.pem"],
    ["no such key", () => put(keys, { session: secret }), "Secret keys has no key saml.pem"],
  ])("%s", async (_name, change, message) => {
    change();
    await expect(collecting(1)).rejects.toMatchObject({ code: "HO-P117", message: expect.stringContaining(message) });
    expect(readdirSync(bed.layout.staging)).toEqual([]);
    expect(existsSync(join(bed.layout.handover, "config"))).toBe(false);
  });
  test("a key of a Secret that is not named does not get in", async () => {
    put(keys, { session: secret, "saml.pem": "pem", other: "not for you" });
    const path = await make(1);
    expect(readdirSync(join(path, "config/secret/keys")).toSorted()).toEqual(["saml.pem", "session"]);
  });
  test("a staging directory that somebody has changed is not sealed", async () => {
    await collecting(1);
    const file = join(bed.staging(1, "pod-1"), "config/secret/keys/session");
    chmodSync(file, 0o600);
    writeFileSync(file, secret.replace("2", "3"));
    await expect(sealing(1)).rejects.toMatchObject({ code: "HO-A404" });
    await expect(sealing(1, [settings])).rejects.toMatchObject({ code: "HO-A404" });
  });
});

test("a restore that names one is refused, and told where the files are", async () => {
  const id = (await make(1)).split("/").at(-1)!;
  const asked = {
    ...common,
    step: "plan" as const,
    from: { generation: id },
    databases: [],
    volumes: [],
    included: false,
    locations: [{ name: "source" }],
    passedOver: [],
  };
  await expect(plan(asked, bed.context("plan-1"))).rejects.toMatchObject({ code: "HO-R810" });
});
