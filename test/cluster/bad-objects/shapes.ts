/** Made from the schema itself: every field with a value of a wrong type, every object with a field that does not exist. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type Bad, bases, changed, type Kind, kinds } from "./base.ts";

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

/** A value that no field of the type takes, and the name of its own type as the message says it. */
const wrong: Readonly<Record<string, readonly [value: unknown, typeName: string]>> = {
  string: [true, "boolean"],
  integer: ["12", "string"],
  boolean: ["yes", "string"],
  array: ["x", "string"],
  object: ["x", "string"],
};

function walk(kind: Kind, schema: Schema, path: string): readonly Bad[] {
  const bad: Bad[] = [];
  const at = path.replaceAll(/\.([0-9]+)/g, "[$1]");
  const add = (because: string, where: string, value: unknown, shown: string, says: string): void => {
    bad.push({ kind, because, object: changed(bases[kind], { [where]: value }), at: shown, says });
  };
  const found = schema.type === undefined ? undefined : wrong[schema.type];
  if (found !== undefined)
    add(
      `${at} is a ${found[1]}`,
      path,
      found[0],
      at,
      `must be of type ${schema.format === "date-time" ? "date-time" : schema.type}: "`,
    );
  if (schema.type === "integer") add(`${at} is a fraction`, path, 1.5, at, "must be of type integer");
  if (schema.properties !== undefined) {
    add(`${at} has a field that does not exist`, `${path}.nosuch`, 1, `${at}.nosuch`, "unknown field");
    for (const name of schema.required ?? [])
      add(`${at}.${name} is missing`, `${path}.${name}`, undefined, `${at}.${name}`, "Required value");
    for (const [name, field] of Object.entries(schema.properties)) bad.push(...walk(kind, field, `${path}.${name}`));
  }
  if (schema.items !== undefined) {
    bad.push(...walk(kind, schema.items, `${path}.0`));
  }
  return bad;
}

const files: Readonly<Record<Kind, string>> = {
  BackupPolicy: "backuppolicies",
  BackupRun: "backupruns",
  RestoreRequest: "restorerequests",
};

export const badShapes: readonly Bad[] = kinds.flatMap((kind) => {
  const crd = parse(readFileSync(new URL(`../../../crds/${files[kind]}.yaml`, import.meta.url), "utf8"));
  return walk(kind, crd.spec.versions[0].schema.openAPIV3Schema.properties.spec, "spec");
});
