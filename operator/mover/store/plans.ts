/**
 * Plans that would remove more than half and wait for an administrator. They lie at the place with all their ids, so that an
 * acknowledgement is one of these very generations: in the next run, which has made one more, the plan is another.
 */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import * as z from "zod";
import { syncDirectory, writeFileDurably } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { readJson } from "./small-files.ts";

const plansSchema = z.object({
  format: z.literal(1),
  /** Newest first. */
  plans: z.array(z.object({ digest: z.string(), ids: z.array(z.string()) })),
});

/** Somebody may look at the plan of one run while the next has made another. */
const remembered = 5;

/** SHA-256 of the sorted ids, one a line. */
export const digestOfPlan = (ids: readonly string[]): string =>
  createHash("sha256").update(ids.toSorted().join("\n")).digest("hex");

/** @param digests beginnings of digests @returns ids that may go, however many they are */
export async function acknowledgedIds(layout: Layout, digests: readonly string[]): Promise<readonly string[]> {
  const plans = (await readJson(layout.plans, plansSchema))?.plans ?? [];
  return plans.flatMap(({ digest, ids }) => (digests.some((start) => digest.startsWith(start)) ? ids : []));
}

export async function rememberPlan(layout: Layout, ids: readonly string[]): Promise<void> {
  const plans = (await readJson(layout.plans, plansSchema))?.plans ?? [];
  const digest = digestOfPlan(ids);
  if (plans[0]?.digest === digest) return;
  const next = [{ digest, ids }, ...plans.filter((plan) => plan.digest !== digest)].slice(0, remembered);
  await writeFileDurably(layout.plans, `${JSON.stringify({ format: 1, plans: next })}\n`);
}

/** With retention carried out, nothing that was ever acknowledged counts any more. */
export async function forgetPlans(layout: Layout): Promise<void> {
  await rm(layout.plans, { force: true });
  await syncDirectory(layout.base);
}
