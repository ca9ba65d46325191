/** The quiesce record: each state, with and without holders, at each number of replicas, decides one thing. */
import { describe, expect, test } from "@jest/globals";
import type { Lease, Workload } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import type { Action } from "../../../operator/decide/decision.ts";
import { type Holder, type QuiesceRecord, parseRecord } from "../../../operator/decide/record.ts";
import { type RecordObservation, decideRecord } from "../../../operator/decide/record-step.ts";
import { aWorkload, at, namespace, settings } from "../../support/builders.ts";

const now = at("01:05");
const holder = (uid = "run-uid", deadline = "2026-11-21T01:10:00Z"): Holder => ({
  kind: "BackupRun",
  name: uid.replace("-uid", ""),
  uid,
  deadline,
});
const base: QuiesceRecord = {
  version: 1,
  target: { kind: "Deployment", name: "shop", uid: "shop-uid" },
  original: 3,
  state: "Down",
  stopAt: "2026-11-21T01:00:00.000Z",
  downGeneration: 2,
  holders: [holder()],
};
const lease = (content: unknown): Lease => ({
  metadata: {
    name: "handover-shop-uid",
    namespace,
    uid: "lease-uid",
    resourceVersion: "7",
    annotations: { [annotations.record]: typeof content === "string" ? content : JSON.stringify(content) },
  },
  spec: {},
});
const workload = (replicas: number, generation = replicas === 0 ? 2 : 1): Workload =>
  aWorkload().replicas(replicas).meta({ resourceVersion: "42", generation }).build();

const down = (record: unknown, live: readonly string[] = ["run-uid"]): RecordObservation => ({
  lease: lease(record),
  workload: workload(0),
  liveHolders: new Set(live),
  guard: "armed",
});

/** One action in a few words. */
function tell(action: Action): string {
  switch (action.do) {
    case "scale":
      return `scale to ${action.replicas} if unchanged since ${action.resourceVersion}`;
    case "deleteRecord":
      return `delete record ${action.uid} ${action.resourceVersion}`;
    case "updateRecord": {
      const record = parseRecord(action.record as Lease);
      return `record ${record?.state}, original ${record?.original}, holders ${record?.holders.map(({ name }) => name).join(" ")}`;
    }
    default:
      return action.do;
  }
}

interface Case {
  readonly name: string;
  readonly record: Partial<QuiesceRecord>;
  readonly replicas: number | undefined;
  /** Of the workload; without it, what it has when nobody but us has changed it. */
  readonly generation?: number;
  readonly live?: readonly string[];
  readonly guard?: RecordObservation["guard"];
  readonly does: readonly string[];
}
const remove = "delete record lease-uid 7";
const cases: readonly Case[] = [
  {
    name: "Intent, held, its guard armed: waits for its holder",
    record: { state: "Intent" },
    replicas: 3,
    does: [],
  },
  {
    name: "Stopping, held, at zero (the answer was lost): Down",
    record: { state: "Stopping" },
    replicas: 0,
    does: ["record Down, original 3, holders run"],
  },
  {
    name: "Stopping, held, its guard was evicted: waits for the next one",
    record: { state: "Stopping" },
    replicas: 3,
    guard: "starting",
    does: [],
  },
  {
    name: "Stopping, held, but somebody changed the replicas: left to its holder, who ends",
    record: { state: "Stopping" },
    replicas: 5,
    generation: 2,
    does: [],
  },
  {
    name: "Stopping, held, and somebody has brought it back after it was scaled: not scaled again",
    record: { state: "Stopping" },
    replicas: 3,
    generation: 3,
    does: [],
  },
  {
    name: "Stopping, held, as it was: scaled to zero",
    record: { state: "Stopping" },
    replicas: 3,
    does: ["scale to 0 if unchanged since 42"],
  },
  {
    name: "Intent, held, without a guard: gets one",
    record: { state: "Intent" },
    replicas: 3,
    guard: "absent",
    does: ["createGuard"],
  },
  {
    name: "Intent, held, its guard starts: nothing is stopped",
    record: { state: "Intent" },
    replicas: 3,
    guard: "starting",
    does: [],
  },
  {
    name: "Intent, held, at zero: a person has parked it, and it stays so",
    record: { state: "Intent" },
    replicas: 0,
    does: [remove],
  },
  {
    name: "Intent, held, but somebody changed the replicas: begin anew",
    record: { state: "Intent" },
    replicas: 5,
    does: [remove],
  },
  {
    name: "Intent, nobody holds it, not scaled: nothing to give back",
    record: { state: "Intent" },
    replicas: 3,
    live: [],
    does: [remove],
  },
  {
    name: "Intent, nobody holds it, at zero: a person has parked it, and it stays so",
    record: { state: "Intent" },
    replicas: 0,
    live: [],
    does: [remove],
  },
  {
    name: "Stopping, nobody holds it, at zero: Restoring",
    record: { state: "Stopping" },
    replicas: 0,
    live: [],
    does: ["record Restoring, original 3, holders "],
  },
  {
    name: "Stopping, nobody holds it, not scaled: it may come late, so the record stays",
    record: { state: "Stopping" },
    replicas: 3,
    live: [],
    does: ["record Stopping, original 3, holders "],
  },
  {
    name: "Stopping, nobody has held it for 74 s, not scaled: the record stays",
    record: { state: "Stopping", holders: [], releasedAt: "2026-11-21T01:03:46.000Z" },
    replicas: 3,
    does: [],
  },
  {
    name: "Stopping, nobody has held it for 75 s, not scaled: nothing comes any more",
    record: { state: "Stopping", holders: [], releasedAt: "2026-11-21T01:03:45.000Z" },
    replicas: 3,
    does: [remove],
  },
  {
    name: "Stopping, nobody holds it, and somebody set another number: it stands",
    record: { state: "Stopping" },
    replicas: 2,
    live: [],
    does: [remove],
  },
  { name: "Down, held: stays", record: {}, replicas: 0, does: [] },
  { name: "Down, held, but somebody scaled it up: their value stands", record: {}, replicas: 2, does: [] },
  {
    name: "Down, nobody holds it: Restoring",
    record: {},
    replicas: 0,
    live: [],
    does: ["record Restoring, original 3, holders "],
  },
  {
    name: "Down, nobody holds it, and somebody scaled it: their value stands",
    record: {},
    replicas: 2,
    live: [],
    does: [remove],
  },
  {
    name: "Down, no holders at all: Restoring",
    record: { holders: [] },
    replicas: 0,
    does: ["record Restoring, original 3, holders "],
  },
  {
    name: "Restoring, at zero: the original",
    record: { state: "Restoring", holders: [] },
    replicas: 0,
    does: ["scale to 3 if unchanged since 42"],
  },
  {
    name: "Restoring, given back: read back, so the record goes",
    record: { state: "Restoring", holders: [] },
    replicas: 3,
    does: [remove],
  },
  {
    name: "Restoring, but somebody set another number: it stands",
    record: { state: "Restoring", holders: [] },
    replicas: 1,
    does: [remove],
  },
  {
    name: "Restoring, with a holder that joined too late: it has to begin anew",
    record: { state: "Restoring" },
    replicas: 0,
    does: ["record Restoring, original 3, holders "],
  },
  {
    name: "a holder that is gone or finished is dropped",
    record: { holders: [holder("a-uid"), holder("run-uid")] },
    replicas: 0,
    does: ["record Down, original 3, holders run"],
  },
  {
    name: "an overdue holder is dropped, although it lives",
    record: { holders: [holder("run-uid", "2026-11-21T01:05:00Z")] },
    replicas: 0,
    does: ["record Restoring, original 3, holders "],
  },
  {
    name: "a holder whose deadline cannot be read is dropped",
    record: { holders: [holder("run-uid", "soon")] },
    replicas: 0,
    does: ["record Restoring, original 3, holders "],
  },
  { name: "the workload is gone: the record goes", record: {}, replicas: undefined, does: [remove] },
];

describe("one step for one record", () => {
  test.each(cases)("$name", ({ record, replicas, generation, live = ["run-uid"], guard = "armed", does }) => {
    const decision = decideRecord(
      {
        lease: lease({ ...base, ...record }),
        workload: replicas === undefined ? undefined : workload(replicas, generation),
        liveHolders: new Set(live),
        guard,
      },
      settings,
      now,
    );
    expect(decision.actions.map(tell)).toEqual(does);
  });

  test("a held record is looked at again when its hold ends", () => {
    expect(decideRecord(down(base), settings, now).wakeAfter).toBe(5 * 60_000);
  });
  test("a hold inside an exchange does not end by the clock, only with its holder", () => {
    const closed = { ...base, holders: [{ ...holder("run-uid", "2026-11-21T01:00:00Z"), exchanging: true }] };
    expect(decideRecord(down(closed), settings, now)).toEqual({ status: undefined, actions: [], events: [] });
    const gone = decideRecord(down(closed, []), settings, now);
    expect(gone.actions.map(tell)).toEqual(["record Restoring, original 3, holders "]);
  });
});

describe("a record that cannot be read is left alone and told of", () => {
  test.each([
    { name: "no JSON", content: "{" },
    { name: "another version", content: { ...base, version: 2 } },
    { name: "no original", content: { ...base, original: undefined } },
    { name: "an original of zero", content: { ...base, original: 0 } },
    { name: "half a replica", content: { ...base, original: 1.5 } },
    { name: "an unknown state", content: { ...base, state: "Up" } },
    { name: "another kind", content: { ...base, target: { ...base.target, kind: "DaemonSet" } } },
  ])("$name", ({ content }) => {
    const decision = decideRecord(down(content, []), settings, now);
    expect(decision.actions).toEqual([]);
    expect(decision.events.map(({ reason }) => reason)).toEqual(["RecordUnreadable"]);
  });
});
