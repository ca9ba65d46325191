/** Laws of the CRDs that need no cluster: described, bounded, coherent, and the generated types and samples fit them. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { generate } from "../../crds/generate.ts";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message?: string }[];
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}
interface Column {
  readonly name: string;
  readonly type: string;
  readonly priority?: number;
  readonly jsonPath: string;
  readonly description?: string;
}
interface Node {
  readonly path: string;
  readonly schema: Schema;
  /** A field with a name, not an element of a list or a value of a map. */
  readonly named: boolean;
}

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

const crds = ["backuppolicies", "backupruns", "restorerequests"].map((plural) => {
  const crd = parse(read(`crds/${plural}.yaml`));
  const version = crd.spec.versions[0];
  const schema: Schema = version.schema.openAPIV3Schema;
  const columns: readonly Column[] = version.additionalPrinterColumns;
  const kind: string = crd.spec.names.kind;
  return { plural, kind, schema, columns };
});

function walk(path: string, schema: Schema, named: boolean): readonly Node[] {
  const below = Object.entries(schema.properties ?? {})
    .filter(([name]) => path !== "" || name !== "metadata") // the API server fills in its own description of metadata
    .flatMap(([name, field]) => walk(`${path}.${name}`, field, true));
  const items = schema.items === undefined ? [] : walk(`${path}[]`, schema.items, false);
  const values = schema.additionalProperties === undefined ? [] : walk(`${path}{}`, schema.additionalProperties, false);
  return [{ path, schema, named }, ...below, ...items, ...values];
}
/** The nodes that break a law; [] when it holds. */
const breaking = (nodes: readonly Node[], isBroken: (node: Node) => boolean): readonly string[] =>
  nodes.filter(isBroken).map(({ path }) => path);

function fits(value: unknown, schema: Schema): boolean {
  if (schema.enum !== undefined) return schema.enum.includes(value);
  switch (schema.type) {
    case "string":
      return typeof value === "string" && value.length <= (schema.maxLength ?? Infinity);
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return (
        Number.isInteger(value) &&
        Number(value) >= (schema.minimum ?? 0) &&
        Number(value) <= (schema.maximum ?? Infinity)
      );
    case "array":
      return Array.isArray(value) && value.every((item) => schema.items !== undefined && fits(item, schema.items));
    case "object": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
      const { properties = {}, required = [] } = schema;
      const named = Object.entries(value).every(
        ([key, inner]) => properties[key] !== undefined && fits(inner, properties[key]),
      );
      return named && required.every((key) => key in value || properties[key]?.default !== undefined);
    }
    case undefined:
    default:
      return false;
  }
}

const described = ({ schema: { description = "" } }: Node): boolean =>
  description.length >= 10 && description.endsWith(".");
const isString = ({ schema: one }: Node): boolean =>
  one.type === "string" || one["x-kubernetes-int-or-string"] === true;
const bounded = ({ schema: one }: Node): boolean =>
  one.maxLength !== undefined || one.enum !== undefined || one.pattern !== undefined || one.format === "date-time";
const keysRequired = ({ schema: one }: Node): boolean =>
  one["x-kubernetes-list-map-keys"]?.every((key) => one.items?.required?.includes(key)) === true;
const missing = ({ schema: one }: Node): boolean =>
  one.required?.some((name) => one.properties?.[name] === undefined) === true;
const words = (node: Node): string => node.schema.description ?? "";

describe.each(crds)("crds/$plural.yaml", ({ schema, columns }) => {
  const nodes = walk("", schema, false);
  const spec = nodes.filter(({ path }) => path.startsWith(".spec"));

  test("every field is described in a sentence", () => {
    expect(breaking(nodes, (node) => node.named && !described(node))).toEqual([]);
  });

  test("no description says the same as another in the spec, except what is the same", () => {
    const texts = spec.filter(({ named }) => named).map(({ schema: { description } }) => description);
    const twice = texts.filter((text, index) => texts.indexOf(text) !== index);
    expect(twice.filter((text) => !text?.startsWith("Floor that") && !text?.startsWith("Name of the "))).toEqual([]);
  });

  test("every field of the spec says what holds without it", () => {
    const optional = spec.flatMap(({ path, schema: { properties = {}, required = [] } }) =>
      Object.entries(properties)
        .filter(([name]) => !required.includes(name))
        .map(([name, field]) => ({ path: `${path}.${name}`, schema: field, named: true })),
    );
    const says =
      /default|[Ww]ithout|[Aa]bsent|when empty|Empty|newest verified generation|Id of a generation|Value of the taint|that belong to|None when/;
    expect(
      breaking(optional, (node) => !says.test(node.schema.description ?? "") && node.schema.type !== "object"),
    ).toEqual([]);
  });

  test("every string is bounded, an enumeration or a time", () => {
    const own = nodes.filter(({ path }) => path !== ".apiVersion" && path !== ".kind");
    expect(breaking(own, (node) => isString(node) && !bounded(node))).toEqual([]);
  });

  test("every number has its bounds", () => {
    const numbers = nodes.filter(({ schema: { type } }) => type === "integer");
    expect(breaking(numbers, ({ schema: { minimum } }) => minimum === undefined)).toEqual([]);
    const asked = numbers.filter(({ path }) => path.startsWith(".spec"));
    expect(breaking(asked, ({ schema: { maximum } }) => maximum === undefined)).toEqual([]);
  });

  test("every list is bounded and says how it is merged, every map is bounded", () => {
    const lists = nodes.filter(({ schema: { type } }) => type === "array");
    expect(
      breaking(lists, ({ schema: one }) => one.maxItems === undefined || one["x-kubernetes-list-type"] === undefined),
    ).toEqual([]);
    const maps = lists.filter(({ schema: one }) => one["x-kubernetes-list-type"] === "map");
    expect(breaking(maps, (node) => !keysRequired(node))).toEqual([]);
    expect(
      breaking(nodes, ({ schema: one }) => one.additionalProperties !== undefined && one.maxProperties === undefined),
    ).toEqual([]);
  });

  test("every default fits its own field, and what is required exists", () => {
    expect(breaking(nodes, ({ schema: one }) => one.default !== undefined && !fits(one.default, one))).toEqual([]);
    expect(breaking(nodes, missing)).toEqual([]);
  });

  test("every default is the one that its description names", () => {
    const named = nodes.flatMap(({ path, schema: { description, default: value } }) => {
      const [, says] = /(?:^|\. )([\w/]+) by default\b/.exec(description ?? "") ?? [];
      return says === undefined || /^(Everything|All|None)$/.test(says) ? [] : [{ path, says, value }];
    });
    expect(named.filter(({ says, value }) => String(value).toLowerCase() !== says.toLowerCase())).toEqual([]);
  });

  test("every rule says what to do", () => {
    const rules = nodes.flatMap(({ schema: one }) => one["x-kubernetes-validations"] ?? []);
    const remedy = /\b(use|name|set|give|raise|lower|remove|create|call|stop|at most|means|is relative to)\b/;
    expect(rules.filter(({ message = "" }) => !remedy.test(message)).map(({ rule }) => rule)).toEqual([]);
    expect(rules.filter(({ message = "" }) => message.length > 300)).toEqual([]);
  });

  test("only the status and what is copied into it is open, and the root is an object with a spec", () => {
    const open = nodes.filter(({ schema: one }) => one["x-kubernetes-preserve-unknown-fields"] === true);
    expect(breaking(open, ({ path }) => !path.startsWith(".status"))).toEqual([]);
    expect([schema.type, schema.required]).toEqual(["object", ["spec"]]);
  });

  test("every column shows a field, says what it is, and the message is last", () => {
    const paths = new Set(nodes.map(({ path }) => path));
    const shown = columns.filter(({ jsonPath }) => !paths.has(jsonPath) && jsonPath !== ".metadata.creationTimestamp");
    expect(shown).toEqual([]);
    expect(columns.filter(({ description = "" }) => description.length < 10)).toEqual([]);
    expect(columns.filter(({ type, jsonPath }) => type === "date" && jsonPath.includes("next"))).toEqual([]); // kubectl shows <invalid>
    expect(columns.filter(({ priority = 0 }) => priority === 0).at(-1)?.name).toBe("MESSAGE");
  });

  test("every value that can be chosen is explained", () => {
    const chosen = spec.filter(({ schema: one }) => one.enum !== undefined && one.type === "string");
    const silent = chosen.filter(
      (node) =>
        !/Effect of the taint/.test(words(node)) &&
        !node.schema.enum!.every((value) => words(node).includes(String(value))),
    );
    expect(breaking(silent, () => true)).toEqual([]);
  });
});

test("every value that can be chosen in a spec is known to the operator", () => {
  const sources = ["api", "contract", "decide", "cluster", "mover", "domain"].flatMap((layer) =>
    readdirSync(new URL(`operator/${layer}/`, root), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.startsWith("generated"))
      .map((file) => read(`operator/${layer}/${file}`)),
  );
  // Passed on to the pod as they are, the only value there is, or a volume as any other.
  const passedOn = new Set([
    "Exists",
    "Equal",
    "NoSchedule",
    "PreferNoSchedule",
    "NoExecute",
    "InPlace",
    "true",
    "Data",
  ]);
  const values = crds
    .flatMap(({ schema }) => walk("", schema, false).filter(({ path }) => path.startsWith(".spec")))
    .flatMap(({ schema: one }) => one.enum ?? []);
  const unknown = [...new Set(values.map(String))].filter(
    (value) => !passedOn.has(value) && !sources.some((text) => text.includes(`"${value}"`)),
  );
  expect(unknown).toEqual([]);
});

test("the generated types are those of the CRDs: npm run generate", async () => {
  const fresh = await generate();
  const written = readdirSync(new URL("operator/api/generated/", root));
  expect([...fresh.keys()].toSorted()).toEqual(written.toSorted());
  for (const [name, text] of fresh) expect(read(`operator/api/generated/${name}`)).toBe(text);
});

describe("manifests/samples", () => {
  const files = readdirSync(new URL("manifests/samples/", root));
  test.each(files)("%s is one commented object that fits the schema", (file) => {
    const text = read(`manifests/samples/${file}`);
    const object = parse(text);
    const crd = crds.find(({ kind }) => kind === object.kind);
    expect(text).toMatch(/^# /);
    expect(object.apiVersion).toBe("backup.handover.dev/v1alpha1");
    expect(
      Object.keys(object.spec).filter((field) => crd?.schema.properties?.["spec"]?.properties?.[field] === undefined),
    ).toEqual([]);
  });

  test("the minimal policy has at most 30 lines, the full one names every field", () => {
    expect(read("manifests/samples/policy-minimal.yaml").split("\n").length).toBeLessThanOrEqual(31);
    const full = read("manifests/samples/policy-full.yaml");
    const fields = walk("", crds[0]!.schema, false).filter(({ path, named }) => named && path.startsWith(".spec."));
    expect(breaking(fields, ({ path }) => !new RegExp(`\\b${path.split(".").at(-1)}:`).test(full))).toEqual([]);
  });
});
