/** The laws of the architecture, each as a test that fails when it is broken. Imports are read by TypeScript's own parser. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { catalogue, type CodeEntry } from "../operator/api/codes.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const elsewhere = new Set(["node_modules", "dist", "out", ".git", ".cluster", "golden"]);

/** Files below the directory, relative to the root of the repository. */
function files(directory: string, endings: RegExp): readonly string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    if (elsewhere.has(entry.name)) return [];
    const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
    if (entry.isDirectory()) return files(path, endings);
    return endings.test(entry.name) ? [path] : [];
  });
}
const text = (path: string): string => readFileSync(join(root, path), "utf8");
const isGenerated = (path: string): boolean => path.startsWith("operator/api/generated/");

interface Source {
  readonly path: string;
  readonly tree: ts.SourceFile;
}
const operator: readonly Source[] = files("operator", /\.ts$/).map((path) => ({
  path,
  tree: ts.createSourceFile(path, text(path), ts.ScriptTarget.Latest, true),
}));

function visit(node: ts.Node, seen: (node: ts.Node) => void): void {
  seen(node);
  node.forEachChild((child) => visit(child, seen));
}

/** What the file imports, statically or on demand, types included: packages by name, own files by their path from the root. */
function importsOf({ path, tree }: Source): readonly string[] {
  const found: string[] = [];
  visit(tree, (node) => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
            ? node.argument.literal
            : undefined;
    if (specifier === undefined) return;
    if (!ts.isStringLiteralLike(specifier)) found.push("(computed)");
    else found.push(specifier.text.startsWith(".") ? join(dirname(path), specifier.text) : specifier.text);
  });
  return found;
}

/** Layer of a file of the operator: its directory, or `main` for the files that put everything together. */
const layerOf = (path: string): string => path.split("/").slice(1, -1)[0] ?? "main";
/** May be imported from everywhere above `decide`, because they depend on nothing of ours. */
const common = new Set(["operator/log.ts", "operator/version.ts"]);
const order = ["api", "domain", "contract", "decide", "cluster", "runtime", "main"];
const beside: Readonly<Record<string, readonly string[]>> = {
  mover: ["api", "domain", "contract", "mover"],
  // And of cluster the port alone, see below.
  cli: ["api", "domain", "contract", "cluster", "cli"],
  // The entry puts everything together.
  main: [...order, "mover", "cli"],
};
const allowed = (layer: string): readonly string[] => beside[layer] ?? order.slice(0, order.indexOf(layer) + 1);
const pure = ["api", "domain", "contract", "decide"];

describe("import law", () => {
  test("every file lies in a layer", () => {
    const layers = new Set([...order, "mover", "cli"]);
    expect(operator.filter(({ path }) => !layers.has(layerOf(path))).map(({ path }) => path)).toEqual([]);
  });

  test("api <- domain <- contract <- decide <- cluster <- runtime <- main; mover and cli stand beside", () => {
    const broken = operator.flatMap((source) => {
      const layer = layerOf(source.path);
      const own = importsOf(source).filter((target) => target.startsWith("operator/"));
      return own
        .filter((target) => !(common.has(target) && !pure.includes(layer)) && !allowed(layer).includes(layerOf(target)))
        .map((target) => `${source.path} imports ${target}`);
    });
    expect(broken).toEqual([]);
  });

  test("the command line knows of cluster the port alone: no watching, observing or acting of the controller", () => {
    const port = ["client", "connection", "errors", "kubeconfig"].map((name) => `operator/cluster/${name}.ts`);
    const taken = operator
      .filter(({ path }) => layerOf(path) === "cli")
      .flatMap((source) => importsOf(source))
      .filter((target) => target.startsWith("operator/cluster/"));
    expect(taken.filter((target) => !port.includes(target))).toEqual([]);
    expect(taken).not.toEqual([]);
  });

  test("nothing is imported from outside operator, and nothing by a computed name", () => {
    const outside = (target: string): boolean =>
      target === "(computed)" || /^(\.\.|test\/|bench\/|crds\/|\/)/.test(target);
    expect(
      operator.flatMap((source) =>
        importsOf(source)
          .filter(outside)
          .map((target) => `${source.path} imports ${target}`),
      ),
    ).toEqual([]);
  });

  test.each([
    ["@kubernetes/client-node", /^operator\/cluster\//],
    ["node:child_process", /^operator\/mover\/exec\.ts$/],
    ["pg", /^operator\/mover\//],
  ])("%s is imported where it belongs only", (name, where) => {
    const importers = operator.filter((source) =>
      importsOf(source).some((target) => target === name || target.startsWith(`${name}/`)),
    );
    expect(importers.filter(({ path }) => !where.test(path)).map(({ path }) => path)).toEqual([]);
  });

  test("nothing is run through a shell", () => {
    const shell = /\b(execSync|exec)\(\s*[`"']|shell:\s*(true|["'])|["'](\/bin\/)?(ba)?sh["'],\s*\[?["']-c/;
    expect(operator.filter(({ path }) => shell.test(text(path))).map(({ path }) => path)).toEqual([]);
  });
});

describe("purity law", () => {
  const sources = operator.filter(({ path }) => pure.includes(layerOf(path)) && !isGenerated(path));
  const clock = "operator/domain/schedule.ts";

  test("no node module", () => {
    const broken = sources.filter((source) => importsOf(source).some((target) => target.startsWith("node:")));
    expect(broken.map(({ path }) => path)).toEqual([]);
  });

  test("no clock, no chance, no process, no timer, no promise", () => {
    const forbidden = new Set([
      "Date",
      "process",
      "performance",
      "setTimeout",
      "setInterval",
      "fetch",
      "crypto",
      "Promise",
      "globalThis",
      "console",
    ]);
    const broken: string[] = [];
    for (const { path, tree } of sources) {
      visit(tree, (node) => {
        const line = `${path}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`;
        if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AsyncKeyword) broken.push(`${line} await`);
        if (ts.isPropertyAccessExpression(node) && node.getText(tree) === "Math.random")
          broken.push(`${line} Math.random`);
        if (!ts.isIdentifier(node) || !forbidden.has(node.text) || !isGlobal(node)) return;
        // An instant that is given is no clock; the cron library wants it as a Date.
        const given = ts.isNewExpression(node.parent) && node.parent.arguments?.length === 1;
        if (node.text === "Date" && path === clock && given) return;
        broken.push(`${line} ${node.text}`);
      });
    }
    expect(broken).toEqual([]);
  });
});

/** Whether the identifier stands for itself: not a property, a name in an object or a type, nor something declared here. */
function isGlobal(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  const isName =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isParameter(parent) ||
    ts.isBindingElement(parent);
  return !(isName && parent.name === node) && !ts.isTypeReferenceNode(parent) && !ts.isLiteralTypeNode(parent);
}

describe("files", () => {
  const code = files("", /\.(ts|js|go|sh)$/).filter((path) => !isGenerated(path));

  test("at most 300 lines", () => {
    const long = code
      .map((path) => [path, text(path).trimEnd().split("\n").length] as const)
      .filter(([, lines]) => lines > 300);
    expect(long).toEqual([]);
  });

  test("kebab-case nouns, no bag without a subject", () => {
    const named = files("operator", /\.ts$/).filter(
      (path) =>
        !/\/[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path) || /\/(utils?|helpers?|misc|common|index|part-?2)\.ts$/.test(path),
    );
    expect(named).toEqual([]);
  });

  test("no leftovers", () => {
    const leftovers =
      /\b(TODO|FIXME|XXX|HACK)\b|\bdebugger\b|\b(describe|test|it)\.(only|skip|todo)\b|\b[fx](describe|it|test)\(|@ts-(ignore|nocheck)/;
    const found = code
      .filter((path) => path !== "test/architecture.test.ts")
      .flatMap((path) => matching(path, leftovers));
    expect(found).toEqual([]);
  });

  test("nothing is printed past the log", () => {
    const printing = code.filter(
      (path) => path.endsWith(".ts") && !/^(test|bench|operator\/cli)\//.test(path) && path !== "crds/generate.ts",
    );
    expect(printing.flatMap((path) => matching(path, /\bconsole\.\w+\(/))).toEqual([]);
  });

  test("no path, host or user of a machine that it was written on", () => {
    const everything = files(
      "",
      /(\.(ts|js|mjs|go|sh|ya?ml|json|md|txt|conf|toml|tpl)|Makefile|Dockerfile|run)$/,
    ).filter((path) => path !== "package-lock.json" && path !== "test/architecture.test.ts");
    // Temporary directories and the mount points of the image are named by the code that makes them.
    const machine =
      /(?<![\w.$}/])(\/work\/|\/home\/[a-z]|\/Users\/|\/root\/)|\b[\w-]+\.(internal|corp|lan)\b|registry=http|\bghp_\w+|BEGIN (RSA|EC|OPENSSH)? ?PRIVATE KEY/;
    expect(everything.flatMap((path) => matching(path, machine))).toEqual([]);
  });
});

/** Lines of the file that match, with their place. */
function matching(path: string, pattern: RegExp): readonly string[] {
  return text(path)
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim().slice(0, 120)}`] : []));
}

describe("error catalogue", () => {
  const codes = Object.keys(catalogue);
  const entries: readonly (readonly [string, CodeEntry])[] = Object.entries(catalogue);
  const isCatalogue = (path: string): boolean => /^operator\/api\/codes(\/.*)?\.ts$/.test(path);
  const users = operator.filter(({ path }) => !isCatalogue(path));

  test("each code has its form and its reason, and nothing has two", () => {
    expect(codes.filter((code) => !/^HO-[PSDATVKRCX][0-9]{3}$/.test(code))).toEqual([]);
    const reasons = entries.map(([, entry]) => entry.reason);
    expect(
      reasons.filter((reason, index) => reasons.indexOf(reason) !== index || !/^[A-Z][A-Za-z]+$/.test(reason)),
    ).toEqual([]);
    // An object literal or a spread would swallow a code that is written twice.
    const written = operator
      .filter(({ path }) => isCatalogue(path))
      .flatMap(({ path }) => [...text(path).matchAll(/^ *"(HO-\w+)":/gm)].map(([, code = ""]) => code));
    expect(written.toSorted()).toEqual(codes.toSorted());
  });

  test("each entry says what happened, what it means for app and data, and what to do next", () => {
    const sentence = /^([A-Z]|[a-z]+[A-Z]).*\.$/; // the name of a field may begin it
    const instruction =
      /^(kubectl|helm) |: (kubectl|helm) |^(set|grant|correct|check|wait|restore|upgrade|name|raise|grow|make|find|add)\b/;
    const silent = entries.filter(
      ([, { what, app, data, next }]) => !sentence.test(what) || app === "" || data === "" || !instruction.test(next),
    );
    expect(silent.map(([code]) => code)).toEqual([]);
    // Advice ends with something that can be pasted.
    expect(entries.filter(([, { next }]) => !/\b(kubectl|helm) /.test(next)).map(([code]) => code)).toEqual([]);
    const places = entries.flatMap(([code, { next }]) =>
      [...next.matchAll(/\{(\w+)\}/g)].map(([, name]) => `${code} ${name}`),
    );
    expect(places.filter((place) => !/ (namespace|policy|run|job|plan|uid|volume)$/.test(place))).toEqual([]);
  });

  test("each code is used by the operator", () => {
    const used = new Set(
      users.flatMap(({ path }) => [...text(path).matchAll(/HO-[A-Z][0-9]{3}/g)].map(([code]) => code)),
    );
    expect(codes.filter((code) => !used.has(code))).toEqual([]);
  });

  test("each code that is used or documented exists", () => {
    const known = new Set(codes);
    const places = files("", /\.(ts|go|sh|md|ya?ml)$/).filter((path) =>
      /^(operator|docs|crds|charts|manifests|README)/.test(path),
    );
    const named = places.flatMap((path) =>
      [...text(path).matchAll(/HO-[A-Z][0-9]{3}/g)].map(([code]) => `${path} ${code}`),
    );
    expect([...new Set(named)].filter((place) => !known.has(place.split(" ")[1]!))).toEqual([]);
  });
});
