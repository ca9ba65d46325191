/**
 * Prune: carries out retention at one location. At the source it first settles what every required sink has verified; then, at each,
 * it takes back what is asked for, and plans. The judgement is domain/retention.ts. A plan that removes something is acted upon only
 * when it is the one that was approved, because it is on record by then; else it is the answer.
 */
import type { ResultOf } from "../../contract/result.ts";
import type { TaskOf } from "../../contract/task.ts";
import { type Instant, formatInstant } from "../../domain/instant.ts";
import { notDelivered, ofFormerPolicy } from "../../domain/kept-reasons.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { formatSequences } from "../../domain/sequences.ts";
import type { MoverContext } from "../context.ts";
import { blame } from "../errors.ts";
import { summariseKept } from "../retention/report.ts";
import { removeAll } from "../retention/removals.ts";
import { isHeldNow, viewPlace, type View } from "../retention/view.ts";
import { observeLocation, storedBytes } from "../store/facts.ts";
import { readHeld, writeHeld } from "../store/held.ts";
import type { Layout } from "../store/layout.ts";
import { listGenerations, presentSequences } from "../store/listing.ts";
import { readMarkers, removeMarker, writeCatalogue } from "../store/markers.ts";
import { digestOfPlan, forgetPlans, rememberPlan } from "../store/plans.ts";
import { openPresent } from "../store/presence.ts";
import { emptyTrash } from "../store/removal.ts";
import { settle, type Settlement } from "../store/settlement.ts";
import { sweepTemporaries } from "../store/temporaries.ts";
import { heldInTrash, listTrash, observeTrash, takeBack, type Undeleted } from "../store/trash.ts";
import { clip } from "../../domain/text.ts";

/** Ids of each list in the result, which has to fit into 4,096 bytes; the log names all, and `present` tells what is left. */
const shown = 12;

type Facts = ResultOf<"prune">;
type Plan = Pick<Facts, "plan" | "remove">;

export async function prune(task: TaskOf<"prune">, context: MoverContext, now: Instant = Date.now()): Promise<Facts> {
  const { name, uuid: expectedUuid } = task.location;
  const role = name === "source" ? "source" : "sink";
  const root = role === "source" ? context.roots.store : context.roots.sink(name);
  try {
    const { uuid, layout } = await openPresent(root, { role, name, expectedUuid }, task);
    await sweepTemporaries(layout);
    const settlement: Settlement =
      role === "source"
        ? await settle(layout, task.requiredSinks, task, context)
        : { settled: [], pending: [], broken: [] };
    const { tookBack, problems } = await undelete(layout, task, context, now);
    const view = await viewPlace(layout, task, settlement, now);
    const retained = await retain(layout, task, view, context, now);
    const { generations } = await listGenerations(layout.store);
    const location = await observeLocation({ name, uuid, root }, generations, await readMarkers(layout));
    const trash = await observeTrash(await listTrash(layout), task.trashMillis);
    const newest = generations.at(-1);
    const tight =
      trash.generations > 0 && newest !== undefined && location.freeBytes < storedBytes(newest.manifest.files)
        ? [tellTight(location.freeBytes, trash)]
        : [];
    return {
      version: 1,
      ok: true,
      step: "prune",
      location,
      settled: settlement.settled.slice(-shown),
      pending: settlement.pending.length,
      ...(settlement.pending.length === 0 ? {} : { lacking: settlement.pending.slice(-shown) }),
      removed: retained.removed.slice(-shown),
      ...(retained.removed.length > shown ? { removedInAll: retained.removed.length } : {}),
      ...retained.plan,
      kept: tellKept(view, settlement),
      ...(tookBack.length === 0 ? {} : { tookBack: tookBack.slice(-20) }),
      ...(trash.generations === 0
        ? {}
        : {
            trash: {
              generations: trash.generations,
              bytes: trash.bytes,
              ...(trash.until === undefined ? {} : { until: formatInstant(trash.until) }),
            },
          }),
      ...(problems.length + tight.length === 0
        ? {}
        : { warnings: [...tight, ...problems].slice(0, 4).map((text) => clip(text, 200)) }),
      ...(retained.refused === undefined
        ? { present: formatSequences(await presentSequences(layout)) }
        : { refused: clip(retained.refused, 500) }),
    };
  } catch (error) {
    context.abort.throwIfAborted();
    throw blame(error, {
      full: role === "source" ? "HO-C901" : "HO-C902",
      otherwise: "HO-K703",
      what: `pruning at ${name} failed`,
      retry: true,
    });
  }
}

async function undelete(
  layout: Layout,
  task: TaskOf<"prune">,
  context: MoverContext,
  now: Instant,
): Promise<Undeleted> {
  const { undelete: request, policyUID, location } = task;
  if (request === undefined) return { tookBack: [], problems: [] };
  const held = await readHeld(layout);
  const isSource = location.name === "source";
  return await takeBack(layout, await listTrash(layout), {
    request,
    policyUID,
    isSource,
    held,
    now,
    log: context.log,
  });
}

interface Retained {
  readonly removed: Facts["removed"];
  readonly plan: Plan;
  readonly refused?: string | undefined;
}

async function retain(
  layout: Layout,
  task: TaskOf<"prune">,
  view: View,
  context: MoverContext,
  now: Instant,
): Promise<Retained> {
  const { plan } = view;
  const isUnknown = plan.refused !== undefined && plan.proposed === undefined;
  const trash = await listTrash(layout);
  const kept = await heldInTrash(trash, isHeldNow(view, now));
  // What a full disk needs first is room, and every file that is written below needs some.
  if (!isUnknown) await emptyTrash(layout, trash, kept, task.trashMillis, now);
  await keepHolds(layout, task, view);
  if (plan.refused !== undefined) {
    const proposed = plan.proposed ?? [];
    if (proposed.length > 0)
      await rememberPlan(
        layout,
        proposed.map(({ id }) => id),
      );
    return { removed: [], plan: tellPlan(proposed), refused: tellRefusal(plan.refused, proposed, task) };
  }
  if (plan.remove.length > 0 && digestOfPlan(plan.remove.map(({ id }) => id)) !== task.approved)
    return { removed: [], plan: tellPlan(plan.remove) };

  await removeAll(layout, task, view, trash, now, context);
  if (task.location.name === "source") await forgetMarkers(layout, view);
  if (task.trashMillis === 0) await emptyTrash(layout, await listTrash(layout), kept, 0, now);
  const staying = [...plan.keep, ...view.former].map(({ id }) => id);
  await writeCatalogue(layout, { ids: staying, due: [...plan.due] });
  await forgetPlans(layout);
  return { removed: [...plan.remove], plan: {} };
}

/** What a death between a removal and its marker has left; at a sink the transport looks after those. */
async function forgetMarkers(layout: Layout, { markers, ours, former, waiting }: View): Promise<void> {
  const known = new Set([...ours, ...former].map(({ id }) => id).concat(waiting));
  for (const id of markers.keys()) if (!known.has(id)) await removeMarker(layout, id);
}

async function keepHolds(layout: Layout, task: TaskOf<"prune">, view: View): Promise<void> {
  const inTrash = (await listTrash(layout)).map(({ id }) => id);
  const stored = [...view.ours, ...view.former].map(({ id }) => id);
  // On doubt a hold whose generation is not to be seen stays as well.
  const unseen = view.plan.refused === undefined ? [] : [...view.held.keys()];
  const present = new Set([...stored, ...view.waiting, ...inTrash, ...unseen]);
  await writeHeld(layout, task.holds, view.held, task.known, present);
}

type Remove = View["plan"]["remove"];

function tellPlan(remove: Remove): Plan {
  if (remove.length === 0) return {};
  const digest = digestOfPlan(remove.map(({ id }) => id));
  return { plan: { digest, removes: remove.length }, remove: remove.slice(0, shown) };
}

function tellRefusal(refused: string, proposed: Remove, { acknowledged }: TaskOf<"prune">): string {
  if (proposed.length === 0) return refused;
  const digest = digestOfPlan(proposed.map(({ id }) => id)).slice(0, 12);
  const other = acknowledged.length === 0 ? "" : ", what was acknowledged is another";
  return `${refused}; this is plan ${digest}${other}`;
}

function tellKept({ plan, former }: View, settlement: Settlement): Facts["kept"] {
  return summariseKept([
    ...settlement.pending.toReversed().map(({ id }) => ({ id, why: [notDelivered] })),
    ...plan.keep,
    ...former.map(({ id }) => ({ id, why: [ofFormerPolicy] })),
  ]);
}

const tellTight = (free: number, { generations, bytes, until }: Awaited<ReturnType<typeof observeTrash>>): string =>
  `${formatBytes(free)} are free, less than the newest generation takes; ${generations} in the trash take ${formatBytes(bytes)}${until === undefined ? "" : ` until ${formatInstant(until)}`}`;
