/** What the documentation says in lists is complete: each error code, variable, value, condition and directory is there. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { renderCli, renderErrors } from "../../docs/generate.ts";
import { annotations } from "../../operator/api/names.ts";
import { Metrics } from "../../operator/runtime/metrics.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
/** The words of the code that match and that the page does not have. */
const missing = (page: string, words: Iterable<string>): readonly string[] => {
  const text = read(page);
  return [...new Set(words)].filter((word) => !text.includes(word));
};
const found = (path: string, pattern: RegExp): readonly string[] =>
  [...read(path).matchAll(pattern)].map(([, word = ""]) => word);

test("docs/reference/errors.md is what `make generate` writes", () => {
  expect(read("docs/reference/errors.md")).toBe(renderErrors());
});

test("docs/reference/cli.md is what `make generate` writes", async () => {
  expect(read("docs/reference/cli.md")).toBe(await renderCli());
});

describe("configuration.md", () => {
  const page = "docs/reference/configuration.md";

  test("every variable of the controller", () => {
    const variables = found("operator/config.ts", /"(HANDOVER_[A-Z_]+|KUBECONFIG)"/g);
    expect(variables.length).toBeGreaterThan(10);
    expect(missing(page, variables)).toEqual([]);
  });

  test("every value of the chart, with no other", () => {
    const keys = Object.entries<unknown>(parse(read("charts/handover/values.yaml"))).flatMap(([key, value]) =>
      ["image", "service", "crds", "giveBack", "rbac", "serviceAccount"].includes(key)
        ? Object.keys(value ?? {}).map((below) => `\`${key}.${below}\``)
        : [`\`${key}\``],
    );
    expect(missing(page, keys)).toEqual([]);
  });

  test("every annotation for people", () => {
    const { record, ...forPeople } = annotations;
    expect(record).toContain("/record");
    expect(missing(page, Object.values(forPeople))).toEqual([]);
  });

  test("no metric that does not exist", async () => {
    const exposed = await new Metrics({ version: "0" }).render();
    const named = found(page, /`(handover_\w+)`/g);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !exposed.includes(`# TYPE ${name} `))).toEqual([]);
  });
});

test("conditions.md has every condition that is set", () => {
  const files = readdirSync(new URL("operator/decide/", root)).map((name) => `operator/decide/${name}`);
  const tables = files.flatMap((path) => found(path, /const conditionOf\b[^=]*= \{([^}]*)\}/g));
  const words = tables.flatMap((table) => [...table.matchAll(/: "(\w+)"/g)].map(([, word = ""]) => word));
  const types = files.flatMap((path) => found(path, /\btype: "([A-Z]\w+)",\s+status/g));
  const all = [...words, ...types].map((type) => `\`${type}\``);
  expect(new Set(all).size).toBeGreaterThan(15);
  expect(missing("docs/reference/conditions.md", all)).toEqual([]);
});

test("conditions.md has every reason that the code spells out, of conditions and of events", () => {
  const files = ["decide", "runtime"].flatMap((directory) =>
    readdirSync(new URL(`operator/${directory}/`, root)).map((name) => `operator/${directory}/${name}`),
  );
  const reasons = files.flatMap((path) =>
    found(path, /\breason: "([A-Z]\w+)",? (?:message|\})/g).concat(found(path, /\breason: "([A-Z]\w+)",\n/g)),
  );
  expect(new Set(reasons).size).toBeGreaterThan(12);
  expect(
    missing(
      "docs/reference/conditions.md",
      reasons.map((reason) => `\`${reason}\``),
    ),
  ).toEqual([]);
});

test("store.md has every name that the layout gives", () => {
  const names = found("operator/mover/store/layout.ts", /(?:join\(\w+, |File = )"([a-z.A-Z0-9-]+)"/g);
  expect(names.length).toBeGreaterThan(8);
  const temporary = ["part-dump.json", "part-archive.json", "part-collect.json"];
  expect(missing("docs/reference/store.md", names).filter((name) => !temporary.includes(name))).toEqual([]);
});

test("the policy in the README is the sample that the API server accepts in a test, and short", () => {
  const [block = ""] = found("README.md", /```yaml\n([\s\S]*?)```/g);
  expect(block.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
  expect(parse(block)).toEqual(parse(read("manifests/samples/policy-minimal.yaml")));
});

test("the picture in the README has the columns of kubectl get backupruns", () => {
  const columns: readonly { readonly name: string; readonly priority?: number }[] = parse(read("crds/backupruns.yaml"))
    .spec.versions[0].additionalPrinterColumns;
  const shown = columns.filter(({ priority }) => priority === undefined).map(({ name }) => name);
  const [header = ""] = found("README.md", /^(NAME +TYPE .*)$/gm);
  expect(header.split(/ +/)).toEqual(["NAME", ...shown]);
});

test("every link between pages leads somewhere", () => {
  const pages = (directory: string): readonly string[] =>
    readdirSync(new URL(directory, root), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory()
        ? pages(`${directory}${entry.name}/`)
        : entry.name.endsWith(".md")
          ? [directory + entry.name]
          : [],
    );
  const all = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ...pages("docs/")];
  const broken = all.flatMap((page) =>
    found(page, /\]\(([^)#:]+)(?:#[^)]*)?\)/g)
      .filter((target) => {
        const path = new URL(target, new URL(page, root));
        try {
          if (target.endsWith("/")) readdirSync(path);
          else readFileSync(path);
          return false;
        } catch {
          return true;
        }
      })
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});
