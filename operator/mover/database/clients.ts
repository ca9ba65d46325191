/** The PostgreSQL clients of the image, and which of them fits a server. */
import { readdir } from "node:fs/promises";
import { errnoOf, MoverError } from "../errors.ts";
import { run } from "../exec.ts";
import { chooseClient, clientProgram, clientsRoot } from "../tools/pg.ts";

/** @returns majors, oldest first; none when there is no client at all. */
export async function installedClients(root: string = clientsRoot): Promise<readonly number[]> {
  try {
    return (await readdir(root))
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number)
      .toSorted((a, b) => a - b);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** @throws MoverError HO-D304 when every client is older than the server. */
export async function clientFor(database: string, serverMajor: number, root: string = clientsRoot): Promise<number> {
  const majors = await installedClients(root);
  const major = chooseClient(serverMajor, majors);
  if (major !== undefined) return major;
  throw new MoverError(
    "HO-D304",
    `the server of database ${database} is PostgreSQL ${serverMajor}, the clients here are ${majors.join(", ") || "none"}`,
  );
}

/** @returns such as `15.18` */
export async function clientVersion(major: number, root: string = clientsRoot): Promise<string> {
  const { stdout } = await run([clientProgram(root, major, "pg_dump"), "--version"], { stdout: "capture" });
  return /[0-9]+(?:\.[0-9]+)*/.exec(stdout)?.[0] ?? String(major);
}
