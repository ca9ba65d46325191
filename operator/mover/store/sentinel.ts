/**
 * Identity of a store and of a lineage in it. A share that is not mounted looks like an empty directory, and an emptied
 * one too: writing into it would look like success, pruning by it would be a disaster. So a directory has to prove
 * that it is the one the policy saw before. This file never removes anything.
 */
import { randomUUID } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import * as z from "zod";
import { errnoOf, MoverError } from "../errors.ts";
import {
  checkDirectory,
  exists,
  makeDirectory,
  syncDirectory,
  writeFileDurably,
  writeNewFileDurably,
} from "./durable.ts";
import type { Layout } from "./layout.ts";
import { layoutOf } from "./layout.ts";

export const storeFormat = 1;

/** Whether the place is the source store or a sink: it decides the code of a refusal and what directories there are. */
export type Role = "source" | "sink";

const sentinelSchema = z.object({ format: z.number().int(), uuid: z.string().min(1) });
const lineageSchema = z.object({
  format: z.number().int(),
  namespace: z.string(),
  policy: z.string(),
  policyUID: z.string(),
});

export interface OpenStoreOptions {
  readonly role: Role;
  /** Name for messages: `source`, or that of the sink. */
  readonly name: string;
  /** What the policy saw before; absent when the store was never used. */
  readonly expectedUuid?: string | undefined;
}

/**
 * Checks who the store is. An empty directory becomes a store only when no identity is expected.
 * @throws MoverError HO-P105 for the source, HO-T502 for a sink.
 */
export async function openStore(
  root: string,
  options: OpenStoreOptions,
): Promise<{ readonly uuid: string; readonly created: boolean }> {
  const refuse = (why: string, cause?: unknown): MoverError =>
    new MoverError(
      options.role === "source" ? "HO-P105" : "HO-T502",
      `${options.role === "source" ? "store" : `sink ${options.name}`}: ${why}`,
      { cause },
    );
  const sentinel = layoutOf(root, "", "").sentinel;
  let text: string | undefined;
  try {
    text = await readFile(sentinel, "utf8");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw refuse(`handover.json cannot be read (${errnoOf(error) ?? "error"})`, error);
  }
  if (text !== undefined) {
    const found = parseJson(sentinelSchema, text);
    if (found === undefined) throw refuse("handover.json is damaged");
    if (found.format !== storeFormat)
      throw refuse(`handover.json has format ${found.format}, this release knows ${storeFormat}`);
    if (options.expectedUuid !== undefined && found.uuid !== options.expectedUuid)
      throw refuse(`it is ${found.uuid}, the policy knows ${options.expectedUuid}`);
    return { uuid: found.uuid, created: false };
  }
  const names = await entries(root).catch((error: unknown) => {
    throw refuse(`its directory cannot be listed (${errnoOf(error) ?? "error"})`, error);
  });
  // Another policy made the store while this one looked: both are to see the same identity.
  if (names.includes(basename(sentinel))) return openStore(root, options);
  if (options.expectedUuid !== undefined)
    throw refuse(
      `handover.json is missing (${names.length} other entries), the policy knows ${options.expectedUuid}; is the right volume mounted?`,
    );
  if (names.length > 0) throw refuse(`it is not empty (${names.slice(0, 3).join(", ")}) and has no handover.json`);
  const uuid = randomUUID();
  const created = await writeNewFileDurably(sentinel, `${JSON.stringify({ format: storeFormat, uuid })}\n`);
  return created ? { uuid, created } : openStore(root, options);
}

export interface LineageOwner {
  readonly namespace: string;
  readonly policy: string;
  readonly policyUID: string;
  /** UID of the former policy whose lineage is taken over; `unknown` when the directory does not tell. */
  readonly adopt?: string | undefined;
  /** Nothing is written: a restore reads what it is allowed to, and takes nothing over. */
  readonly readsOnly?: boolean | undefined;
}

/**
 * Checks who owns the lineage, and creates its directories.
 * @throws MoverError HO-P106 when another policy of the same name owns it and is not adopted.
 */
export async function openLineage(root: string, owner: LineageOwner, role: Role): Promise<Layout> {
  const layout = layoutOf(root, owner.namespace, owner.policy);
  const all = [layout.staging, layout.store, layout.verified, layout.trash, layout.damaged, layout.handover];
  for (const directory of [dirname(layout.base), layout.base, ...all, layout.held]) await checkDirectory(directory);
  const { found, present } = await readLineage(layout);
  if (found === undefined ? present : found.policyUID !== owner.policyUID) {
    const other = found?.policyUID ?? "unknown";
    if (owner.adopt !== other)
      throw new MoverError(
        "HO-P106",
        `the directory ${owner.namespace}/${owner.policy} belongs to the policy with uid ${other}`,
      );
  }
  if (owner.readsOnly === true) return layout;
  const common = [layout.staging, layout.store, layout.verified, layout.trash, layout.damaged];
  const own = role === "source" ? [...common, layout.handover] : common;
  for (const directory of [dirname(layout.base), layout.base, ...own]) await makeDirectory(directory);
  if (found?.policyUID !== owner.policyUID) {
    const { namespace, policy, policyUID } = owner;
    await writeFileDurably(
      layout.lineage,
      `${JSON.stringify({ format: storeFormat, namespace, policy, policyUID })}\n`,
    );
    await syncDirectory(root);
  }
  return layout;
}

/** @returns `present` when generations are there although `lineage.json` does not say whose. */
async function readLineage(
  layout: Layout,
): Promise<{ readonly found?: z.infer<typeof lineageSchema>; readonly present: boolean }> {
  try {
    const found = parseJson(lineageSchema, await readFile(layout.lineage, "utf8"));
    if (found !== undefined && found.format !== storeFormat)
      throw new MoverError("HO-P105", `lineage.json has format ${found.format}, this release knows ${storeFormat}`);
    return found === undefined ? { present: true } : { found, present: true };
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  // A crash between the first mkdir and the first lineage.json leaves empty directories, which are nobody's.
  for (const directory of [layout.handover, layout.store, layout.trash]) {
    if ((await exists(directory)) && (await readdir(directory)).length > 0) return { present: true };
  }
  return { present: false };
}

/** Names in a root, without what a fresh file system puts there and what a crash of our own first write leaves. */
async function entries(root: string): Promise<readonly string[]> {
  if (!(await stat(root)).isDirectory()) throw new Error("not a directory");
  return (await readdir(root)).filter(
    (name) => name !== "lost+found" && !/^\.handover\.json\.[0-9a-f]+\.tmp$/.test(name),
  );
}

function parseJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
