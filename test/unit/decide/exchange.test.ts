/** The window in which the app must not start: what is known of it before, during and after. */
import { describe, expect, test } from "@jest/globals";
import type { Claim, Job, PolicySpec, StepRecord } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import {
  isAbandoned,
  isBusy,
  isOpen,
  mayBeHalf,
  mayExchange,
  noteDisturbance,
} from "../../../operator/decide/exchange.ts";
import type { RestoreContext, RestoreDraft } from "../../../operator/decide/restore-observation.ts";
import { app, down, held, holder, zero } from "../../support/app-states.ts";
import { aClaim, aJob, aPolicy, aRestore, aWorkload, anApp, at } from "../../support/builders.ts";
import { context } from "./hold-context.ts";

const swap = (state: StepRecord["state"], more: Partial<StepRecord> = {}): StepRecord => ({
  name: "Swap",
  state,
  ...more,
});

test("it is open from its beginning to its end", () => {
  expect((["Running", "Waiting"] as const).map((state) => isOpen(swap(state)))).toEqual([true, true]);
  expect((["Pending", "Done", "Failed", "Skipped"] as const).map((state) => isOpen(swap(state)))).not.toContain(true);
  expect(isOpen(undefined)).toBe(false);
});

describe("of one that failed nobody knows how far it came", () => {
  test.each<[string, StepRecord | undefined, boolean]>([
    ["it broke", swap("Failed", { code: "HO-X001", attempt: 1 }), true],
    ["it was refused", swap("Failed", { code: "HO-R807", attempt: 1 }), false],
    ["it was cancelled before it began", swap("Failed", { code: "HO-X003", attempt: 1 }), false],
    ["its one pod was never placed", swap("Failed", { code: "HO-P114", attempt: 1 }), false],
    ["its one pod had no volume", swap("Failed", { code: "HO-P103", attempt: 1 }), false],
    ["its second pod was never placed", swap("Failed", { code: "HO-P114", attempt: 2 }), true],
    ["its second pod had no volume", swap("Failed", { code: "HO-P103", attempt: 2 }), true],
    ["it is done", swap("Done"), false],
    ["it waits, and has a code", swap("Waiting", { code: "HO-X001" }), false],
    ["there is none", undefined, false],
  ])("%s", (_what, step, is) => {
    expect(mayBeHalf(step)).toBe(is);
  });
});

const now = at("01:00");
function restoring(change: {
  readonly steps?: readonly StepRecord[];
  readonly jobs?: readonly Job[];
  readonly deleting?: boolean;
  readonly policy?: PolicySpec;
  readonly workloads?: RestoreDraft["status"]["workloads"];
  readonly seen?: RestoreContext["seen"]["app"];
}): RestoreContext {
  const { steps = [], jobs = [], deleting = false, policy, workloads, seen = anApp() } = change;
  const status = { ...(policy && { policy }), ...(workloads && { workloads }) };
  const draft = { status, steps: new Map(steps.map((step) => [step.name, step])), actions: [], waits: [] };
  const request = (deleting ? aRestore().deleting() : aRestore()).build();
  return {
    seen: { request, app: seen, jobs: new Map(jobs.map((job) => [job.metadata.name, job])) } as never,
    draft,
    now,
    cancelled: false,
    hasFinalizer: true,
  };
}

describe("a Job of an earlier step may still write", () => {
  const step = (name: string): StepRecord => ({ name, state: "Failed", job: "job" });
  test.each<[string, readonly StepRecord[], readonly Job[], boolean]>([
    ["while it runs", [step("Stage")], [aJob("job").build()], true],
    ["while it runs, as the second of them", [step("Swap")], [aJob("job").build()], true],
    ["not when it is gone", [step("Stage")], [], false],
    ["not of a step that reads only", [step("Plan")], [aJob("job").build()], false],
    ["not when there never was one", [{ name: "Stage", state: "Failed" }], [aJob("job").build()], false],
    ["not without steps", [], [aJob("job").build()], false],
  ])("%s", (_what, steps, jobs, is) => {
    expect(isBusy(restoring({ steps, jobs }))).toBe(is);
  });
});

describe("before it begins", () => {
  const restore = { kind: "RestoreRequest" as const, name: "back", uid: "back-uid", deadline: "2026-11-21T02:00:00Z" };
  const enter = (seen: ReturnType<typeof down>) => {
    const restores = restoring({ steps: [] });
    const hold = context({ app: seen, holder: restore });
    return { may: mayExchange(swap("Pending"), hold, restores), draft: restores.draft };
  };
  test("the holds are closed, one after the other, and those of others stay as they are", () => {
    const { may, draft } = enter(down({ holders: [holder, restore] }));
    expect(may).toBe(false);
    expect(draft.waits).toEqual([0]);
    const [action] = draft.actions;
    const record = action?.do === "updateRecord" ? action.record.metadata.annotations?.[annotations.record] : undefined;
    expect(JSON.parse(record ?? "{}")).toMatchObject({ holders: [holder, { ...restore, exchanging: true }] });
  });
  test("it may begin when all of them are", () => {
    const { may, draft } = enter(down({ holders: [{ ...restore, exchanging: true }] }));
    expect([may, draft.actions, draft.waits, draft.steps.size]).toEqual([true, [], [], 0]);
  });
  test("an app that was parked before has no hold to close", () => {
    expect(enter(app(zero.build())).may).toBe(true);
  });
  test("it does not begin with an app that was started", () => {
    const { may, draft } = enter(app(aWorkload().replicas(3).meta({ generation: 3 }).build(), { holders: [restore] }));
    expect(may).toBe(false);
    expect(draft.steps.get("Swap")).toMatchObject({
      state: "Failed",
      code: "HO-R807",
      message: "Deployment shop was scaled to 3 before the exchange",
    });
    expect([draft.actions, draft.waits]).toEqual([[], [0]]);
  });
});

describe("somebody starts the app meanwhile", () => {
  const started = context({ app: app(aWorkload().replicas(3).meta({ generation: 3 }).build(), {}) });
  const running = swap("Running", { message: "half of it" });
  test("that is noted, and the step goes on", () => {
    expect(noteDisturbance(running, started)).toEqual({
      ...running,
      code: "HO-R808",
      message: "Deployment shop was scaled to 3",
    });
  });
  test("nothing is noted of an app at zero", () => {
    expect(noteDisturbance(running, context())).toBe(running);
  });
  test("what was noted before stays", () => {
    const noted = { ...running, code: "HO-X001" as const };
    expect(noteDisturbance(noted, started)).toBe(noted);
  });
});

describe("deleted together with all that it is about", () => {
  const policy = aPolicy().build().spec;
  const none = new Map<string, Claim>();
  const gone = anApp({ workloads: [], claims: none });
  const all = { deleting: true, policy, workloads: held, seen: gone };
  test.each<[string, Parameters<typeof restoring>[0], boolean]>([
    ["it is abandoned", all, true],
    ["and nothing was stopped: it is abandoned", { deleting: true, policy, seen: gone }, true],
    ["not when it is not deleted", { ...all, deleting: false }, false],
    ["not before it was accepted", { deleting: true, workloads: held, seen: gone }, false],
    ["not while the workload is there", { ...all, seen: anApp({ claims: none }) }, false],
    [
      "when the workload is another one",
      { ...all, seen: anApp({ claims: none, workloads: [aWorkload().meta({ uid: "x" }).build()] }) },
      true,
    ],
    [
      "not while the store is there",
      { ...all, seen: { ...gone, claims: new Map([["shop-backups", aClaim("shop-backups")]]) } },
      false,
    ],
    [
      "not while a volume is there",
      { ...all, seen: { ...gone, claims: new Map([["shop-uploads", aClaim("shop-uploads")]]) } },
      false,
    ],
    [
      "not while a volume is lost, which is not gone",
      { ...all, seen: { ...gone, claims: new Map([["shop-uploads", aClaim("shop-uploads", "Lost")]]) } },
      false,
    ],
    ["whatever there is of sinks", { ...all, seen: { ...gone, claims: new Map([["vault", aClaim("vault")]]) } }, true],
  ])("%s", (_what, change, is) => {
    expect(isAbandoned(restoring(change))).toBe(is);
  });
});
