/** What it costs to find out that nothing has changed, and how much memory: a tree of very many files, kept a second time. */
import { step } from "../../test/cluster/bed/progress.ts";
import { measure } from "../measure.ts";
import type { Handover, HandoverGeneration } from "../peers/handover.ts";

export interface Unchanged {
  readonly files: number;
  readonly first: HandoverGeneration;
  readonly second: HandoverGeneration;
}

export async function measureUnchanged(handover: Handover, files: number): Promise<Unchanged> {
  await handover.reset();
  const first = await step(`${files} files, first generation`, () => handover.backUp("first"));
  await measure({ argv: ["sync"] });
  const second = await step(`${files} files, none changed`, () => handover.backUp("increment"));
  return { files, first, second };
}
