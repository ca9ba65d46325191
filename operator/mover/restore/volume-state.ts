/**
 * How far the exchange of one volume has come: `state.json` in its work directory, durable before each change it announces.
 * A volume without it holds nothing of ours that counts.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { errnoOf, MoverError } from "../errors.ts";
import { writeFileDurably } from "../store/durable.ts";
import { workDirectory } from "./names.ts";

/**
 * staged: `new` is whole and compared; nothing of the app was touched. moving-old: the present state goes to `old`.
 * moving-new: `new` goes to where it was. carrying: what no capture holds is taken over from `old`. done.
 */
const phases = ["staged", "moving-old", "moving-new", "carrying", "done"] as const;

const stateSchema = z.object({
  format: z.literal(1),
  runUID: z.string(),
  generation: z.string(),
  phase: z.enum(phases),
  /** What the generation holds of the volume, and what it leaves out. */
  paths: z.array(z.string()),
  exclude: z.array(z.string()),
  /** Modification time of the root as captured, ns since 1970; a restore that release 0.1.0 has staged has none. */
  rootTime: z.string().optional(),
  /** Of what is staged, see staged-inventory.ts; one that release 0.1.0 has staged has none. */
  inventory: z.string().optional(),
});
export type VolumeState = z.infer<typeof stateSchema>;

/** @returns undefined when there is none. @throws MoverError HO-R804 when it is another run's or cannot be understood. */
export async function readVolumeState(root: string, runUID: string): Promise<VolumeState | undefined> {
  const path = join(root, workDirectory(runUID), "state.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const state = parse(text);
  if (state === undefined) throw new MoverError("HO-R804", `${path} cannot be understood`);
  if (state.runUID !== runUID) throw new MoverError("HO-R804", `${path} is of another run, ${state.runUID}`);
  return state;
}

export async function writeVolumeState(root: string, state: VolumeState): Promise<void> {
  await writeFileDurably(join(root, workDirectory(state.runUID), "state.json"), `${JSON.stringify(state)}\n`);
}

function parse(text: string): VolumeState | undefined {
  try {
    return stateSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
