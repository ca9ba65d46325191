/** Runs and restores: what they ask for, and what may not change later. */
import { type Bad, bases, changed, type Changes, each, type Kind, table } from "./base.ts";

const only = (from: object): Changes => ({ "spec.from": from });

export const badRequests: readonly Bad[] = [
  ...table("BackupRun", [
    ...each("spec.type", 'supported values: "Full", "Incremental", "Differential", "Database", "Config"', [
      "full",
      "incremental",
      "Inc",
      "config",
      "",
    ]),
    ["a sink twice", { "spec.sinks": ["vault", "vault"] }, "spec.sinks[1]", "Duplicate"],
    ["nine sinks", { "spec.sinks": Array.from({ length: 9 }, (_, i) => `s${i}`) }, "spec.sinks", "at most 8"],
    ["no policy", { "spec.policyName": undefined }, "spec.policyName", "Required value"],
  ]),
  ...table("RestoreRequest", [
    ["no policy", { "spec.policyName": undefined }, "spec.policyName", "Required value"],
    ["from nothing", { "spec.from": undefined }, "spec.from", "Required value"],
    ["no generation", only({}), "spec.from", "set one of generation, latest: true and before"],
    ["a place, but no generation", only({ location: "vault" }), "spec.from", "name exactly one generation"],
    ["an id and the latest", only({ generation: "000042", latest: true }), "spec.from", "name exactly one generation"],
    [
      "an id and a time",
      only({ generation: "000042", before: "2026-11-21T00:00:00Z" }),
      "spec.from",
      "name exactly one generation",
    ],
    [
      "the latest and a time",
      only({ latest: true, before: "2026-11-21T00:00:00Z" }),
      "spec.from",
      "name exactly one generation",
    ],
    ["latest that is false", only({ latest: false }), "spec.from.latest", 'supported values: "true"'],
    ...each("spec.from.generation", "use the id of a generation or its six digits in quotes", [
      "",
      "42",
      "latest",
      "0000042",
      "000042-full",
      "000042-20261121T010203Z",
      "000042-20261121-full",
      "000042-20261121T010203Z-full/..",
      "../000042",
      "000042\n",
      "*",
    ]),
    ["include without a name", { "spec.include": {} }, "spec.include", "or leave include out to restore everything"],
    [
      "include with empty lists",
      { "spec.include": { databases: [], volumes: [] } },
      "spec.include",
      "include names nothing",
    ],
    ["a database twice", { "spec.include.databases": ["a", "a"] }, "spec.include.databases[1]", "Duplicate"],
    ["a volume twice", { "spec.include.volumes": ["a", "a"] }, "spec.include.volumes[1]", "Duplicate"],
    [
      "17 volumes",
      { "spec.include.volumes": Array.from({ length: 17 }, (_, i) => `v${i}`) },
      "spec.include.volumes",
      "at most 16",
    ],
    ...each("spec.target", 'supported values: "InPlace"', ["Copy", "Drill", "inPlace", ""]),
  ]),
];

/** An update of a stored object that has to be refused. `stored` are the changes to the base that was created. */
export interface BadUpdate {
  readonly kind: Kind;
  readonly because: string;
  readonly stored: Changes;
  readonly changes: Changes;
  readonly says: string;
}

const runNever = "the spec of a BackupRun never changes: create another BackupRun";
const onlyPlan = "only planOnly may change after creation: create another RestoreRequest";
const byHand: Changes = { "spec.scheduleName": undefined, "spec.scheduledFor": undefined };

export const badUpdates: readonly BadUpdate[] = [
  ...Object.entries<unknown>({
    "spec.policyName": "other",
    "spec.type": "Database",
    "spec.sinks": [],
    "spec.sinks.1": "scratch",
    "spec.scheduledFor": "2026-11-23T02:00:00Z",
    "spec.scheduleName": "weekly",
  }).map(([path, value]) => ({
    kind: "BackupRun" as const,
    because: `${path} is changed`,
    stored: {},
    changes: { [path]: value },
    says: runNever,
  })),
  { kind: "BackupRun", because: "the slot is removed", stored: {}, changes: byHand, says: runNever },
  {
    kind: "BackupRun",
    because: "a slot is added",
    stored: byHand,
    changes: { "spec.scheduleName": "nightly", "spec.scheduledFor": "2026-11-22T02:00:00Z" },
    says: runNever,
  },
  ...Object.entries<unknown>({
    "spec.policyName": "other",
    "spec.from": { latest: true },
    "spec.from.generation": "000043",
    "spec.from.location": "source",
    "spec.include.databases": ["other"],
    "spec.include.volumes": undefined,
  }).map(([path, value]) => ({
    kind: "RestoreRequest" as const,
    because: `${path} is changed`,
    stored: {},
    changes: { [path]: value },
    says: onlyPlan,
  })),
  {
    kind: "RestoreRequest",
    because: "the place is removed",
    stored: {},
    changes: { "spec.from.location": undefined },
    says: onlyPlan,
  },
  {
    kind: "RestoreRequest",
    because: "include is removed",
    stored: {},
    changes: { "spec.include": undefined },
    says: onlyPlan,
  },
  {
    kind: "RestoreRequest",
    because: "include is added",
    stored: { "spec.include": undefined },
    changes: { "spec.include": { volumes: ["a"] } },
    says: onlyPlan,
  },
  {
    kind: "RestoreRequest",
    because: "planOnly is set back to true",
    stored: { "spec.planOnly": false },
    changes: { "spec.planOnly": true },
    says: "stop the restore with the annotation backup.handover.dev/cancel=true",
  },
  {
    kind: "RestoreRequest",
    because: "planOnly is set, and another field is changed",
    stored: {},
    changes: { "spec.planOnly": false, "spec.from.generation": "000043" },
    says: onlyPlan,
  },
];

/** The two states of an update. */
export const before = (update: BadUpdate) =>
  changed(bases[update.kind], { "metadata.name": "stored", ...update.stored });
export const after = (update: BadUpdate) => changed(before(update), update.changes);
