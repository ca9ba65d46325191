/** Exit codes and words of what goes wrong on the way to the cluster; and the command line itself. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { exitTexts } from "../../../operator/cli/failure.ts";
import { verbs } from "../../../operator/cli/verbs.ts";
import { loadPersonalKubeConfig } from "../../../operator/cluster/kubeconfig.ts";
import { CommandBed, kubeconfigOf } from "./command-bed.ts";
import { scene } from "./scene.ts";
import { notServed, status } from "../cluster/fake-api-server.ts";

let bed: CommandBed;
beforeEach(async () => {
  const { policy, runs } = scene();
  bed = await CommandBed.open(policy, ...runs);
});
afterEach(() => bed.close());

/** One command line of each verb that would succeed. */
const lines: readonly (readonly string[])[] = [
  ["list", "shop"],
  ["show", "42"],
  ["now", "shop"],
  ["hold", "42", "--reason", "x"],
  ["release", "42"],
  ["undelete", "39", "--policy", "shop"],
  ["prune", "shop", "--simulate"],
  ["adopt", "shop"],
];

test("every verb has its line here", () => {
  expect(new Set(lines.map(([verb]) => verb))).toEqual(new Set(verbs.map(({ name }) => name)));
});

describe.each(lines)("%s", (...argv) => {
  test("403 is 3, with the server's words and what to look at", async () => {
    bed.before = () => status(403, "Forbidden");
    const { code, out, err } = await bed.handover(...argv);
    expect([code, out]).toEqual([3, ""]);
    expect(err).toMatch(/^error: .*the server says Forbidden\nNext: kubectl auth can-i --list/);
  });

  test("kinds that are not installed are 4", async () => {
    bed.before = () => notServed;
    expect(await bed.handover(...argv)).toMatchObject({
      code: 4,
      err: expect.stringContaining("is Handover installed in this cluster?"),
    });
  });

  test("a server that answers 500, and none at all, are 5", async () => {
    bed.before = () => status(500, "InternalError");
    expect((await bed.handover(...argv)).code).toBe(5);
    writeFileSync(bed.kubeconfig, kubeconfigOf("http://127.0.0.1:9"));
    expect(await bed.handover(...argv)).toMatchObject({
      code: 5,
      err: expect.stringContaining("Next: kubectl cluster-info"),
    });
  });
});

test("rights that suffice to read and not to write are 3, and nothing is said to be done", async () => {
  bed.before = ({ method }) => (method === "GET" ? undefined : status(403, "Forbidden"));
  for (const argv of [
    ["now", "shop"],
    ["hold", "42", "--reason", "x"],
    ["undelete", "39", "--policy", "shop"],
    ["adopt", "shop"],
  ])
    expect(await bed.handover(...argv)).toMatchObject({ code: 3, out: "" });
});

test("whoever may create runs and not list them can start one", async () => {
  bed.before = ({ method, path }) =>
    method === "GET" && path.endsWith("/backupruns") ? status(403, "Forbidden") : undefined;
  expect((await bed.handover("now", "shop")).code).toBe(0);
});

test("a write whose answer got lost is not called undone", async () => {
  bed.before = ({ method }) => (method === "POST" ? status(504, "Timeout") : undefined);
  expect(await bed.handover("now", "shop")).toMatchObject({
    code: 5,
    err: expect.stringContaining("It is not known whether the change was made"),
  });
});

describe("the command line", () => {
  test.each([
    [[], 2, /^kubectl handover: /],
    [["--help"], 0, /Verbs:\n {2}list/],
    [["help"], 0, /Verbs:/],
    [["help", "hold"], 0, /^hold: /],
    [["--version"], 0, /^kubectl-handover \d/],
    [["lsit"], 2, /there is no verb lsit; there is: list, show/],
    [["list", "a", "b"], 2, /list takes \[POLICY\], not also b/],
    [["list", "--frobnicate"], 2, /Unknown option '--frobnicate'/],
    [["list", "-o", "yaml"], 2, /-o yaml is not one of table, json, name/],
    [["list", "-n", ""], 2, /--namespace is empty/],
    [["list", "-n", "../x"], 2, /cannot be the name of an object/],
    [["show", "42", "-A"], 2, /Unknown option '-A'/],
    [["list", "--context", "nope"], 5, /has no context nope; it has: home, bare/],
    [["list", "--kubeconfig", "/nowhere"], 5, /\/nowhere cannot be read/],
  ] as const)("%j ends with %d", async (argv, expected, words) => {
    const { code, out, err } = await bed.handover(...argv);
    expect(code).toBe(expected);
    expect(code === 0 ? out : err).toMatch(words);
  });

  test.each(verbs.map(({ name }) => name))(
    "%s --help has usage, examples, its flags and the exit codes",
    async (name) => {
      const verb = verbs.find((one) => one.name === name)!;
      const { code, out } = await bed.handover(name, "--help");
      expect(code).toBe(0);
      for (const [command] of verb.examples) expect(out).toContain(command);
      for (const option of verb.options) expect(out).toContain(`--${option.name}`);
      for (const [number] of exitTexts) expect(out).toMatch(new RegExp(`^ {2}${number} `, "m"));
      expect(bed.api.received).toEqual([]);
    },
  );
});

describe("kubeconfig", () => {
  test("of several files the first that says something wins, and one that is not there is passed over", () => {
    const second = join(bed.directory, "second");
    writeFileSync(second, kubeconfigOf("http://second.example").replaceAll("bare", "late"));
    const env = { KUBECONFIG: `${join(bed.directory, "none")}:${bed.kubeconfig}:${second}` };
    const found = loadPersonalKubeConfig({ path: undefined, context: "late", env });
    expect(found.config.getCurrentCluster()?.server).toBe(bed.api.url);
    expect(found.namespace).toBe("default");
    expect(loadPersonalKubeConfig({ path: undefined, context: undefined, env })).toMatchObject({
      context: "home",
      namespace: "shop",
    });
  });

  test("the user's own proxy is refused in words", async () => {
    const config = JSON.parse(kubeconfigOf(bed.api.url));
    config.clusters[0].cluster["proxy-url"] = "http://proxy.example:3128";
    writeFileSync(bed.kubeconfig, JSON.stringify(config));
    expect(await bed.handover("list")).toMatchObject({
      code: 5,
      err: expect.stringContaining("proxy-url in a kubeconfig is not supported"),
    });
  });
});
