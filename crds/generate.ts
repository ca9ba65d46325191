/** Generates operator/api/generated/*.ts from the CRDs. The YAML is the source of truth, nothing else writes these files. */
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { parse } from "yaml";

interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  [extension: string]: unknown;
}

/** A field with a default is always there in a stored object, so its type is required; objects are closed unless they say otherwise. */
function toStored(schema: Schema): Schema {
  const out: Schema = {};
  for (const [key, value] of Object.entries(schema)) if (!key.startsWith("x-kubernetes") && key !== "pattern") out[key] = value;
  if (schema["x-kubernetes-int-or-string"] === true) return { anyOf: [{ type: "integer" }, { type: "string" }] };
  delete out["maxItems"];
  delete out["minItems"];
  if (schema.properties !== undefined) {
    out.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, toStored(value)]));
    const defaulted = Object.entries(schema.properties).filter(([, value]) => value.default !== undefined);
    out.required = [...new Set([...(schema.required ?? []), ...defaulted.map(([key]) => key)])];
    out.additionalProperties = false;
  } else if (schema["x-kubernetes-preserve-unknown-fields"] === true) {
    out.additionalProperties = true;
  }
  if (schema.items !== undefined) out.items = toStored(schema.items);
  if (typeof schema.additionalProperties === "object") out.additionalProperties = toStored(schema.additionalProperties);
  return out;
}

const outDir = new URL("../operator/api/generated/", import.meta.url);
mkdirSync(outDir, { recursive: true });
for (const plural of ["backuppolicies", "backupruns", "restorerequests"]) {
  const crd = parse(readFileSync(new URL(`${plural}.yaml`, import.meta.url), "utf8"));
  const kind: string = crd.spec.names.kind;
  const { spec, status } = crd.spec.versions[0].schema.openAPIV3Schema.properties;
  const parts = await Promise.all(
    [
      [`${kind}Spec`, spec],
      [`${kind}Status`, status],
    ].map(([name, schema]) =>
      compile(toStored(schema) as JSONSchema, name, { bannerComment: "", additionalProperties: false, format: true }),
    ),
  );
  const banner = `/* Generated from crds/${plural}.yaml by \`make generate\`. Do not edit. */\n`;
  writeFileSync(new URL(`${kind.toLowerCase()}.ts`, outDir), `${banner}${parts.join("\n").replaceAll(/^(\s+)(?!\/?\*|export|readonly|\||\}|[a-zA-Z"]+\??:)/gm, "$1")}`);
}
