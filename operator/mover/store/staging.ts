/** The directory that the parts of a capture write into, before the seal makes a generation of it. */
import { join } from "node:path";
import type { MoverContext } from "../context.ts";
import { makeDirectory } from "./durable.ts";
import { stagingName, type Layout } from "./layout.ts";
import { checkFence, openPresent } from "./presence.ts";
import type { LineageOwner } from "./sentinel.ts";

/** @throws MoverError HO-P105, HO-P106, or HO-P113 when a newer run works in the lineage. */
export async function openSource(
  task: LineageOwner & { readonly seq: number },
  context: MoverContext,
): Promise<Layout> {
  const { layout } = await openPresent(context.roots.store, { role: "source", name: "source" }, task);
  await checkFence([layout], task.seq);
  return layout;
}

/** The pod's own directory: a second pod of the same Job has another uid, and so another directory. */
export async function openStaging(layout: Layout, seq: number, podUID: string): Promise<string> {
  const staging = join(layout.staging, stagingName(seq, podUID));
  await makeDirectory(staging);
  return staging;
}
