/**
 * While the app is stopped nothing goes away between the look at a volume and the copy. rsync is given names with the word that they may be
 * missing, because beside a running app they may; what is missing then would stay as it was in the mirror, or not be in it at all.
 */
import { MoverError, quote } from "../errors.ts";
import type { MirrorJob } from "./mirror-state.ts";
import { selects } from "./selected.ts";
import { Tree } from "./tree.ts";

/** @param eachName gives it bytes as latin1, with `./` before them or without @throws MoverError HO-A402 */
export async function checkThere(
  { source, volume }: MirrorJob,
  eachName: (check: (name: string) => void) => void | Promise<void>,
): Promise<void> {
  // What is left out may come and go: nobody asked for it.
  const isSelected = selects(volume);
  const tree = new Tree(source);
  try {
    await eachName((name) => {
      const path = name.startsWith("./") ? name.slice(2) : name;
      if (tree.stat(path === "" ? "." : path) !== undefined || !isSelected(path)) return;
      const shown = quote(path).slice(0, 200);
      const what = `volume ${volume.name}: ${shown} vanished during the last pass, although the app is stopped`;
      throw new MoverError("HO-A402", what);
    });
  } finally {
    tree.close();
  }
}
