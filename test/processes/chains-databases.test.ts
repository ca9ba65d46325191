/** A chain is one of volumes: the dump in each generation of it is whole, and is restored without the others. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { TaskOf } from "../../operator/contract/task.ts";
import { listCopies, openCopy } from "../../operator/mover/restore/copies.ts";
import { transport } from "../../operator/mover/steps/transport.ts";
import { verify } from "../../operator/mover/steps/verify.ts";
import { layoutOf } from "../../operator/mover/store/layout.ts";
import { digestOf, make, type Made } from "../support/chain-bed.ts";
import { common, createBed, uploads, type MoverBed } from "../support/mover-bed.ts";

jest.setTimeout(120_000);

type Volumes = TaskOf<"plan">["volumes"];

let bed: MoverBed;
let full: Made;
let increment: Made;
beforeEach(async () => {
  bed = createBed();
  writeFileSync(join(bed.volume(uploads.name), "a"), "a");
  full = await make(bed, 1, "Full");
  increment = await make(bed, 2, "Incremental");
  rmSync(full.path, { recursive: true });
});
afterEach(() => bed.dispose());

const listed = async (name: string, volumes: Volumes): Promise<unknown> => {
  const { copies } = await listCopies({ name }, { ...common, volumes }, bed.context("r"));
  return copies.map(({ generation, verified }) => [generation.id, verified]);
};

test("at the source, databases alone ask for no base", async () => {
  expect(await listed("source", [uploads])).toEqual([[increment.id, false]]);
  expect(await listed("source", [])).toEqual([[increment.id, true]]);
  const wanted = { id: increment.id, manifestSHA256: digestOf(increment.path), location: { name: "source" } };
  const opened = (volumes: Volumes): Promise<unknown> => openCopy(wanted, { ...common, volumes }, bed.context("r"));
  expect(await opened([])).toMatchObject({ generation: { id: increment.id }, members: [] });
  await expect(opened([uploads])).rejects.toMatchObject({ code: "HO-R809" });
});

test("at a sink as well, and of the copy itself the check is asked for", async () => {
  mkdirSync(join(bed.root, "sinks/vault"), { recursive: true });
  const sink = { name: "vault" };
  await transport({ ...common, step: "transport", seq: 9, sink }, bed.context("t"));
  const { store } = layoutOf(join(bed.root, "sinks/vault"), common.namespace, common.policy);
  expect(readdirSync(store)).toEqual([increment.id]);
  expect(await listed("vault", [])).toEqual([[increment.id, false]]);
  await verify({ ...common, step: "verify", sink, mode: "None" }, bed.context("v"));
  expect(await listed("vault", [uploads])).toEqual([[increment.id, false]]);
  expect(await listed("vault", [])).toEqual([[increment.id, true]]);
});
