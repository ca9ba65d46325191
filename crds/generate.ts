/** Generates operator/api/generated/*.ts from the CRDs. The YAML is the source of truth, nothing else writes these files. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { format } from "prettier";
import { parse } from "yaml";

interface Schema {
  readonly type?: JSONSchema["type"];
  readonly description?: string;
  readonly enum?: JSONSchema["enum"];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

/**
 * The shape of an object as the API server stores it: a field with a default is always there, and objects are closed
 * unless they say otherwise. Bounds and rules are left out, because the API server has checked them.
 */
function toStored(schema: Schema): JSONSchema {
  if (schema["x-kubernetes-int-or-string"] === true) return { anyOf: [{ type: "integer" }, { type: "string" }] };
  const out: JSONSchema = {};
  if (schema.type !== undefined) out.type = schema.type;
  if (schema.description !== undefined) out.description = schema.description;
  if (schema.enum !== undefined) out.enum = schema.enum;
  if (schema.items !== undefined) out.items = toStored(schema.items);
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties);
    const defaulted = fields.filter(([, field]) => field.default !== undefined).map(([name]) => name);
    out.properties = Object.fromEntries(fields.map(([name, field]) => [name, toStored(field)]));
    out.required = [...new Set([...(schema.required ?? []), ...defaulted])];
    out.additionalProperties = false;
  } else if (schema.additionalProperties !== undefined) {
    out.additionalProperties = toStored(schema.additionalProperties);
  } else if (schema["x-kubernetes-preserve-unknown-fields"] === true) {
    out.additionalProperties = true;
  }
  return out;
}

const outDir = new URL("../operator/api/generated/", import.meta.url);

/** @returns the text of each generated file, by its name. */
export async function generate(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const plural of ["backuppolicies", "backupruns", "restorerequests"]) {
    const crd = parse(readFileSync(new URL(`${plural}.yaml`, import.meta.url), "utf8"));
    const kind: string = crd.spec.names.kind;
    const { spec, status }: Record<string, Schema> = crd.spec.versions[0].schema.openAPIV3Schema.properties;
    let text = `/* Generated from crds/${plural}.yaml by \`npm run generate\`. Do not edit. */\n`;
    for (const [name, schema] of Object.entries({ [`${kind}Spec`]: spec, [`${kind}Status`]: status })) {
      if (schema === undefined) throw new Error(`crds/${plural}.yaml has no schema for ${name}`);
      text += await compile(toStored(schema), name, { bannerComment: "", additionalProperties: false, format: false });
    }
    files.set(`${kind.toLowerCase()}.ts`, await format(text, { parser: "typescript", printWidth: 120 }));
  }
  return files;
}

if (import.meta.main) {
  mkdirSync(outDir, { recursive: true });
  for (const [name, text] of await generate()) writeFileSync(new URL(name, outDir), text);
}
