/**
 * Verify: in a process of its own, after the last write, re-reads every generation at one sink that is not yet marked verified
 * there. A copy that does not equal its manifest is set aside, so that neither restore nor retention ever see it; the next
 * transport brings it again. A copy that could not be judged is left alone and fails the step.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import { formatSequences } from "../../domain/sequences.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { isWhole } from "../store/chains.ts";
import { compareContents } from "../store/contents.ts";
import { digestText } from "../store/digest.ts";
import type { Layout } from "../store/layout.ts";
import { listGenerations, ofNewerRelease, type GenerationEntry } from "../store/listing.ts";
import { reaches, readMarkers, writeMarker, type VerifyMode } from "../store/markers.ts";
import { openPresent, setAside } from "../store/presence.ts";
import { sweepTemporaries } from "../store/temporaries.ts";

export async function verify(task: TaskOf<"verify">, context: MoverContext): Promise<ResultOf<"verify">> {
  const started = Date.now();
  try {
    const { layout } = await openPresent(
      context.roots.sink(task.sink.name),
      { role: "sink", name: task.sink.name, expectedUuid: task.sink.uuid },
      task,
    );
    await sweepTemporaries(layout);
    const { damaged, bytes } = await verifyAll(layout, task.mode, context);
    const { generations } = await listGenerations(layout.store);
    const markers = await readMarkers(layout);
    // Of a chain nothing counts whose beginning was set aside: it can be restored from here no more.
    const { mode } = task;
    const reaching = (asked: VerifyMode): readonly GenerationEntry[] =>
      generations.filter((generation) => isWhole(generation, generations, markers, asked));
    const verified = reaching("Full");
    return {
      version: 1,
      ok: true,
      step: "verify",
      verified: verified
        .map(({ id }) => id)
        .toReversed()
        .slice(0, 20),
      sequences: formatSequences(verified.map(({ seq }) => seq)),
      ...(mode === "Full" ? {} : { lesser: { mode, checked: formatSequences(reaching(mode).map(({ seq }) => seq)) } }),
      damaged: damaged.slice(0, 20),
      bytes,
      seconds: (Date.now() - started) / 1000,
    };
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, {
      full: "HO-C902",
      otherwise: "HO-V602",
      what: `verifying at sink ${task.sink.name} failed`,
      retry: true,
    });
  }
}

async function verifyAll(
  layout: Layout,
  mode: VerifyMode,
  context: MoverContext,
): Promise<{ readonly damaged: readonly string[]; readonly bytes: number }> {
  const damaged: string[] = [];
  let bytes = 0;
  const reject = async (id: string, why: string): Promise<void> => {
    const name = await setAside(layout, id);
    damaged.push(id);
    context.log.warn("a copy does not equal its manifest and was set aside", { generation: id, why, damaged: name });
  };
  const { generations, broken, foreign } = await listGenerations(layout.store);
  if (foreign.length > 0) context.log.warn("the store holds what is not a generation; it was left alone", { foreign });
  for (const { name, why } of broken) {
    // As after a release that was taken back: whoever wrote it will come again.
    if (why === ofNewerRelease)
      context.log.warn("a copy cannot be judged and was left alone", { generation: name, why });
    else await reject(name, why);
  }
  const markers = await readMarkers(layout);
  for (const generation of generations) {
    if (reaches(generation, markers, mode)) continue;
    const found = await compareContents(generation.path, generation.manifest, {
      read: (file) => isRead(file.path, generation, mode),
      signal: context.abort,
    });
    bytes += found.bytes;
    if (found.difference !== undefined) await reject(generation.id, found.difference);
    else await writeMarker(layout, generation, mode);
  }
  return { damaged, bytes };
}

/** Sample reads a tenth, the same one each time for one generation and another one for the next. */
function isRead(path: string, generation: GenerationEntry, mode: VerifyMode): boolean {
  if (mode === "None") return false;
  return mode === "Full" || Number.parseInt(digestText(`${generation.id}/${path}`).slice(0, 8), 16) % 10 === 0;
}
