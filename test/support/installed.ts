/** The objects of manifests/install.yaml: the chart, rendered with its defaults. test/cluster/chart.test.ts proves that it is. */
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const root = new URL("../../", import.meta.url);
/** @param path from the root of the repository */
export const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

export const documents = parseAllDocuments(read("manifests/install.yaml")).map((document) => document.toJS());
export const installed = (kind: string, name: string) =>
  documents.find((object) => object.kind === kind && object.metadata.name === name);
