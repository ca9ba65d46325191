/** What the file system of a store cannot keep of a volume: found out by trying, before anything is stopped. */
import { link, lstat, rm, utimes } from "node:fs/promises";
import { errnoOf } from "../errors.ts";

/** With every digit, and so small that a number of seconds holds them all. */
const moment = 1_123_456_789n;

/** How a file system says that it has no hard links. */
export const isWithoutLinks = (error: unknown): boolean =>
  ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errnoOf(error) ?? "");

/**
 * @param file an empty one of ours; what is tried beside it goes again, also what a death has left
 * @returns sentences for people, without the name of the place
 */
export async function observeLacks(file: string): Promise<readonly string[]> {
  await utimes(file, 1, Number(moment) / 1e9);
  const { mtimeNs } = await lstat(file, { bigint: true });
  const second = `${file}-link`;
  await rm(second, { force: true });
  const hasLinks = await link(file, second).then(
    () => true,
    (error: unknown) => {
      if (isWithoutLinks(error)) return false;
      throw error;
    },
  );
  await rm(second, { force: true });
  return [
    ...(mtimeNs === moment ? [] : [`keeps no nanoseconds: the files of its generations lose a part of their times`]),
    ...(hasLinks ? [] : ["keeps no hard links: a volume in which a file has several names cannot be copied to it"]),
  ];
}
