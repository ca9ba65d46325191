/** Each column of `kubectl get` shows something: what a column points at is what decisions write. */
import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type KubeObject, policies } from "../../../operator/api/kinds.ts";
import { aPolicy, schedule } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";

interface Column {
  readonly name: string;
  readonly jsonPath: string;
}
const columnsOf = (crd: string): readonly Column[] => {
  const text = readFileSync(new URL(`../../../crds/${crd}.yaml`, import.meta.url), "utf8");
  const { spec } = parse(text) as { spec: { versions: { additionalPrinterColumns: Column[] }[] } };
  return spec.versions.flatMap(({ additionalPrinterColumns }) => additionalPrinterColumns);
};
/** What `kubectl get` finds at the path of a column. */
const cell = (object: unknown, path: string): unknown =>
  path
    .slice(1)
    .split(".")
    .reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>> | undefined)?.[key], object);
const empty = (crd: string, object: KubeObject | undefined): readonly string[] =>
  columnsOf(crd).flatMap(({ name, jsonPath }) =>
    ["", undefined].includes(cell(object, jsonPath) as string) ? [name] : [],
  );

test("of a run that went well, but for its code", async () => {
  const { run } = await Scenario.run().settle();
  // Started by hand, so of no schedule; a full one, so without a parent.
  expect(empty("backupruns", run)).toEqual(["SCHEDULE", "PARENT", "CODE"]);
});
test("of a run that failed, what there is of it", async () => {
  const { run } = await Scenario.run({
    script: { ending: (step) => (step === "warm" ? { code: "HO-A403" } : undefined) },
  }).settle();
  for (const name of ["RESULT", "PHASE", "APP", "COPIES", "MESSAGE"])
    expect(empty("backupruns", run)).not.toContain(name);
});
test("of a restore that went well", async () => {
  const { restore } = await Scenario.restore().settle();
  expect(empty("restorerequests", restore).filter((name) => name !== "CODE")).toEqual([]);
});
test("of a policy with a complete run", async () => {
  const policy = aPolicy().schedules(schedule("yearly", "0 4 1 1 *")).build();
  const { world } = await Scenario.run({ policy }).settle();
  expect(empty("backuppolicies", world.find(policies, "shop"))).toEqual([]);
});
