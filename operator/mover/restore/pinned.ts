/**
 * Names that nobody may move: `chattr +i` and `+a` on what a restore would exchange. Found out before anything is stopped, because
 * the first such name would end the exchange half way. Asks the kernel and changes nothing.
 */
import { accessSync, closeSync, constants, openSync } from "node:fs";
import type { VolumePart } from "../../domain/manifest.ts";
import { errnoOf, MoverError, quote } from "../errors.ts";
import { isReserved } from "./names.ts";
import { bytesOf, Place } from "./place.ts";
import { clip } from "../../domain/text.ts";

/** @throws MoverError HO-R811 naming the first such name. */
export function refusePinned(root: string, part: VolumePart): void {
  const place = new Place(root);
  try {
    const paths = part.paths.includes(".")
      ? place.list(".").filter((name) => !isReserved(name))
      : part.paths.map(bytesOf);
    for (const path of paths) {
      const found = place.stat(path);
      // Links and devices have no such flags.
      if (found === undefined || !(found.isFile() || found.isDirectory())) continue;
      if (!isPinned(place.descriptorPath(path), found.isFile())) continue;
      throw new MoverError(
        "HO-R811",
        clip(`volume ${part.name}: ${quote(path)} is marked so that nobody may move it (chattr +i or +a)`, 900),
      );
    }
  } finally {
    place.close();
  }
}

/** Whoever may not write gets EACCES; only of what nobody may change the kernel says EPERM. */
function isPinned(path: Buffer, file: boolean): boolean {
  try {
    accessSync(path, constants.W_OK);
    // Of `+a` it says so to those who would not append.
    if (file) closeSync(openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
    return false;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}
