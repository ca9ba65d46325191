/**
 * Exchanges the content of a volume by renames, with the app at zero. Each phase is on record before its first rename and each
 * rename can be found done or not done, so that a repeated step rolls forward from wherever a crash has left it. Nothing
 * is ever overwritten or removed: what is in the way goes to `old`.
 */
import type { MoverContext } from "../context.ts";
import { MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { syncFilesystem } from "../store/durable.ts";
import { argvCopyAttributes } from "../tools/restore-files.ts";
import { compileExcludes, type Excludes } from "./excluded-paths.ts";
import { isReserved, workDirectory } from "./names.ts";
import { bytesOf, join, Place } from "./place.ts";
import { setTime } from "./root-time.ts";
import { digestOfStaged } from "./staged-inventory.ts";
import { readVolumeState, writeVolumeState, type VolumeState } from "./volume-state.ts";

type Phase = VolumeState["phase"];

/** @throws MoverError HO-R804 when nothing was staged for this run. */
async function requireStaged(root: string, volume: string, runUID: string): Promise<VolumeState> {
  const state = await readVolumeState(root, runUID);
  if (state === undefined) throw new MoverError("HO-R804", `volume ${volume}: nothing is staged for this run`);
  return state;
}

/** Before anything is exchanged, with the app at zero. @throws MoverError HO-R807 when it is not what was compared */
export async function checkStaged(root: string, volume: string, runUID: string, context: MoverContext): Promise<void> {
  const { phase, inventory } = await requireStaged(root, volume, runUID);
  if (phase !== "staged" || inventory === undefined) return;
  const work = `${root}/${workDirectory(runUID)}`;
  if ((await digestOfStaged(work, context.roots.scratch, context.abort)) === inventory) return;
  throw new MoverError(
    "HO-R807",
    `volume ${volume}: what is staged in ${workDirectory(runUID)} was changed since it was compared`,
  );
}

export async function swapVolume(root: string, volume: string, runUID: string, context: MoverContext): Promise<void> {
  let state = await requireStaged(root, volume, runUID);
  const work = workDirectory(runUID);
  const step = (what: string): void => context.checkpoint?.(`volume ${volume}: ${what}`);
  const reach = async (phase: Phase): Promise<void> => {
    await syncFilesystem(root);
    step(`reach ${phase}`);
    state = { ...state, phase };
    await writeVolumeState(root, state);
  };
  const place = new Place(root);
  try {
    if (state.phase === "staged") await reach("moving-old");
    if (state.phase === "moving-old") {
      moveOld(place, work, state, step);
      await reach("moving-new");
    }
    if (state.phase === "moving-new") {
      moveNew(place, work, state, step);
      await reach("carrying");
    }
    if (state.phase === "carrying") {
      carryExcluded(place, work, state, step);
      if (state.paths.includes(".")) await copyRootAttributes(root, work, state.rootTime, context);
      await reach("done");
    }
  } finally {
    place.close();
  }
}

type Step = (what: string) => void;

function moveOld(place: Place, work: string, state: VolumeState, step: Step): void {
  place.makeParents(`${work}/old/x`, undefined);
  for (const path of exchanged(place, "", state)) {
    if (place.stat(path) === undefined) continue;
    place.makeParents(path, undefined, `${work}/old`);
    step(`move ${path} to old`);
    place.move(path, place.freeName(`${work}/old/${path}`));
  }
}

function moveNew(place: Place, work: string, state: VolumeState, step: Step): void {
  for (const path of exchanged(place, `${work}/new`, state)) {
    if (place.stat(`${work}/new/${path}`) === undefined) continue;
    place.makeParents(path, `${work}/new`);
    // The app is stopped, so this is a stranger's, written since. It is kept, but it is not part of the restored state.
    if (place.stat(path) !== undefined) {
      step(`move late ${path} to old`);
      place.move(path, place.freeName(`${work}/old/${path}`));
    }
    step(`move ${path} from new`);
    place.move(`${work}/new/${path}`, path);
  }
}

/** What is exchanged as one: every name at the root, or the paths of the policy without those inside another one. */
function exchanged(place: Place, directory: string, state: VolumeState): readonly string[] {
  if (state.paths.includes("."))
    return (
      place
        .list(directory === "" ? "." : directory)
        // A file of such a name is the app's, and was captured.
        .filter((name) => !isReserved(name) || place.stat(join(directory, name))?.isDirectory() !== true)
    );
  const paths = state.paths.map(bytesOf);
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
}

/** A cache that no capture holds would be lost by the exchange, so it is taken over where the restored state has nothing. */
function carryExcluded(place: Place, work: string, state: VolumeState, step: Step): void {
  const excludes = compileExcludes(state.exclude.map(bytesOf));
  if (excludes.depth === 0) return;
  for (const path of excludedBelow(place, `${work}/old`, "", excludes, 1)) {
    if (place.stat(path) !== undefined) continue;
    place.makeParents(path, `${work}/old`);
    step(`carry ${path} over`);
    place.move(`${work}/old/${path}`, path);
  }
}

function* excludedBelow(
  place: Place,
  root: string,
  directory: string,
  excludes: Excludes,
  depth: number,
): Generator<string> {
  for (const name of place.list(join(root, directory))) {
    const path = join(directory, name);
    if (excludes.matches(path)) yield path;
    else if (depth < excludes.depth && place.stat(join(root, path))?.isDirectory() === true)
      yield* excludedBelow(place, root, path, excludes, depth + 1);
  }
}

/** Owner, mode, attributes and time of the root of the volume. Not worth a failed restore: the app had a root before. */
async function copyRootAttributes(
  root: string,
  work: string,
  time: string | undefined,
  context: MoverContext,
): Promise<void> {
  const from = `${work}/new`;
  try {
    await run(argvCopyAttributes(from, true), { cwd: root }).catch(() =>
      run(argvCopyAttributes(from, false), { cwd: root }),
    );
    // Nothing is made or moved in the root after this.
    if (time !== undefined) await setTime(root, time);
  } catch (error) {
    context.log.warn("owner, mode and time of the root of the volume could not be restored", {
      root,
      error: String(error),
    });
  }
}
