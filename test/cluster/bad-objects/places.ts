/** What is captured and where it goes: databases, volumes, the store, sinks, retention, and what contradicts itself. */
import { type Bad, each, table } from "./base.ts";

const x = (count: number): string => "x".repeat(count);
const postgres = "spec.databases.0.postgres";
const sink = (name: string, claimName: string, more: object = {}): object => ({ name, claim: { claimName }, ...more });
const volume = (name: string, claimName: string): object => ({ name, claimName });
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const database = (name: string, host = "shop-db", port = 5432): object => ({
  name,
  postgres: { host, port, database: "shop", secretRef: { name: "shop-db" } },
});

export const badPlaces: readonly Bad[] = table("BackupPolicy", [
  // databases
  ...each(`${postgres}.host`, "use a host name or an IP address alone", [
    "",
    "shop-db:5432",
    "postgresql://shop-db/shop",
    "http://shop-db",
    "user@shop-db",
    "[fd00::1]",
    "shop-db,other",
    "shop-db;rm -rf /",
    "$(id)",
    "/var/run/postgresql",
    "-h",
    "a b",
    "shop-db\n",
    "größe",
  ]),
  ...each(`${postgres}.host`, "may not be more than 253", [x(254)]),
  ...each(`${postgres}.port`, "greater than or equal to 1", [0, -5432]),
  ...each(`${postgres}.port`, "less than or equal to 65535", [65536, 2147483648]),
  ...each(`${postgres}.database`, "use the name of one database", [
    "",
    "a=b",
    "dbname=shop host=elsewhere",
    "postgresql://elsewhere/shop",
    "-d",
    "--file=/etc/passwd",
    "sh\nop",
    "sh\u0000op",
    "sh\u007fop",
    "ü".repeat(32),
  ]),
  ...each(`${postgres}.database`, "a template of the server cannot be backed up", ["template0", "template1"]),
  ...each(`${postgres}.database`, "may not be more than 63", [x(64)]),
  ...each("spec.databases.0.release", 'supported values: "AfterSnapshot", "AfterDump"', ["Never", "afterDump", ""]),
  [
    "one database twice",
    { "spec.databases": [database("a"), database("b")] },
    "spec.databases",
    "name each database once",
  ],
  [
    "two databases of one name",
    { "spec.databases": [database("a"), database("a", "b")] },
    "spec.databases[1]",
    "Duplicate",
  ],
  ["17 databases", { "spec.databases": many(17, (i) => database(`d${i}`, `h${i}`)) }, "spec.databases", "at most 16"],

  // volumes
  ...each("spec.volumes.1.paths.0", "a path is relative to the root of the volume", [
    "",
    "/",
    "/etc",
    "a/",
    "a//b",
    "..",
    "../other",
    "a/../..",
    "./a",
    "a/.",
    "a\nb",
    "a\u0000b",
  ]),
  ...each("spec.volumes.1.paths.0", "may not be more than 1024", [x(1025)]),
  [
    "everything and more",
    { "spec.volumes.1.paths": [".", "a"] },
    "spec.volumes[1].paths",
    'the path "." means everything',
  ],
  ["no path", { "spec.volumes.1.paths": [] }, "spec.volumes[1].paths", "at least 1"],
  ["a path twice", { "spec.volumes.1.paths": ["a", "a"] }, "spec.volumes[1].paths[1]", "Duplicate"],
  ["65 paths", { "spec.volumes.1.paths": many(65, (i) => `p${i}`) }, "spec.volumes[1].paths", "at most 64"],
  ...each("spec.volumes.0.exclude.0", "a pattern is relative to the root of the volume", [
    "",
    "/cache",
    "cache/",
    "a//b",
    "../**",
    "./a",
    "a\nb",
  ]),
  ...each("spec.volumes.0.exclude.0", "the pattern excludes everything", ["*", "**", "**/*", "*/**", "***"]),
  ["1,000 patterns", { "spec.volumes.0.exclude": many(1000, (i) => `p${i}`) }, "spec.volumes[0].exclude", "at most 64"],
  ["one claim twice", { "spec.volumes": [volume("a", "c"), volume("b", "c")] }, "spec.volumes", "name each claim once"],
  ["two volumes of one name", { "spec.volumes": [volume("a", "c"), volume("a", "d")] }, "spec.volumes[1]", "Duplicate"],
  ["17 volumes", { "spec.volumes": many(17, (i) => volume(`v${i}`, `c${i}`)) }, "spec.volumes", "at most 16"],

  // nothing to do, or no way to do it
  [
    "no part at all",
    { "spec.databases": undefined, "spec.volumes": undefined, "spec.schedules": undefined },
    "spec",
    "nothing to back up",
  ],
  [
    "empty lists",
    { "spec.databases": [], "spec.volumes": [], "spec.schedules": undefined },
    "spec",
    "name at least one entry under databases or volumes",
  ],
  ["nothing to stop", { "spec.app.workloads": [] }, "spec.app.workloads", "or set app.quiesce to None"],
  ["no app", { "spec.app": undefined }, "spec.app.workloads", "name the workloads of the app"],
  ...each("spec.app.quiesce", 'supported values: "ScaleToZero", "None"', ["Pause", "none", ""]),
  ...each("spec.app.workloads.0.kind", 'supported values: "Deployment", "StatefulSet"', [
    "DaemonSet",
    "Pod",
    "Job",
    "CronJob",
    "ReplicaSet",
    "Rollout",
    "deployment",
    "",
  ]),
  [
    "a workload twice",
    { "spec.app.workloads.1": { kind: "Deployment", name: "shop" } },
    "spec.app.workloads[1]",
    "Duplicate",
  ],
  [
    "17 workloads",
    { "spec.app.workloads": many(17, (i) => ({ kind: "Deployment", name: `w${i}` })) },
    "spec.app.workloads",
    "at most 16",
  ],

  // store and sinks
  [
    "a store that is a volume",
    { "spec.store.claimName": "shop-uploads" },
    "spec.store.claimName",
    "a store cannot back up itself",
  ],
  [
    "a sink in the store",
    { "spec.sinks.0.claim.claimName": "shop-backups" },
    "spec.sinks",
    "use another claim for the sink",
  ],
  ["a sink in a volume", { "spec.sinks.0.claim.claimName": "shop-config" }, "spec.sinks", "lost together with the app"],
  [
    "two sinks in one claim",
    { "spec.sinks.1.claim.claimName": "vault" },
    "spec.sinks",
    "give each sink a claim of its own",
  ],
  ["two sinks of one name", { "spec.sinks.1.name": "vault" }, "spec.sinks[1]", "Duplicate"],
  ["no sink", { "spec.sinks": [] }, "spec.sinks", "at least 1"],
  ["nine sinks", { "spec.sinks": many(9, (i) => sink(`s${i}`, `c${i}`)) }, "spec.sinks", "at most 8"],
  [
    "no required sink",
    { "spec.sinks": [sink("vault", "vault", { required: false })] },
    "spec.sinks",
    "set required to true for at least one sink",
  ],
  ...each("spec.sinks.0.verify", 'supported values: "Full", "Sample", "None"', ["full", "Hash", ""]),
  ["a sink without a place", { "spec.sinks.0.claim": undefined }, "spec.sinks[0].claim", "Required value"],

  // schedules against the rest
  [
    "a schedule to an unknown sink",
    { "spec.schedules.0.sinks": ["tape"] },
    "spec.schedules",
    "use names from spec.sinks",
  ],
  ["a schedule to no sink", { "spec.schedules.0.sinks": [] }, "spec.schedules[0].sinks", "at least 1"],
  [
    "a schedule to a sink twice",
    { "spec.schedules.0.sinks": ["vault", "vault"] },
    "spec.schedules[0].sinks[1]",
    "Duplicate",
  ],
  [
    "Database without databases",
    { "spec.databases": undefined },
    "spec.schedules",
    "name one under databases, or use type Full",
  ],
  ["two schedules of one name", { "spec.schedules.1.name": "nightly" }, "spec.schedules[1]", "Duplicate"],
  [
    "17 schedules",
    { "spec.schedules": many(17, (i) => ({ name: `s${i}`, type: "Full", cron: "0 2 * * *" })) },
    "spec.schedules",
    "at most 16",
  ],

  // retention
  ...["spec.retention.source", "spec.retention.sinks", "spec.sinks.0.retention"].flatMap((path) => [
    ...each(`${path}.last`, "greater than or equal to 1", [0, -1]),
    ...each(`${path}.last`, "less than or equal to 10000", [10_001, 1e9]),
    ...each(`${path}.minVerified`, "greater than or equal to 1", [0]),
    ...each(`${path}.minVerified`, "less than or equal to 100", [101]),
    ...each(`${path}.last`, "raise last, or lower minVerified", [4], { [`${path}.minVerified`]: 5 }),
    ...each(`${path}.daily`, "greater than or equal to 1", [0]),
    ...each(`${path}.yearly`, "less than or equal to 10000", [10_001]),
    ...each(`${path}.maxAge`, "use a duration of more than zero", ["0d", "1y", "", "-1d", "30"]),
  ]),
  [
    "last below the default floor",
    { "spec.retention.sinks": { last: 1 } },
    "spec.retention.sinks.last",
    "which is 2 by default",
  ],
  [
    "retention of a sink that keeps nothing",
    { "spec.sinks.0.retention": {} },
    "spec.sinks[0].retention",
    "set last, hourly, daily, weekly, monthly or yearly",
  ],
  [
    "retention of a sink that only removes",
    { "spec.sinks.0.retention": { maxAge: "30d", minVerified: 1 } },
    "spec.sinks[0].retention",
    "set last, hourly, daily, weekly, monthly or yearly",
  ],
  ...each("spec.retention.timeZone", "use a name from the IANA list", ["+02:00", "", "Europe/", "local"]),
  ...each("spec.retention.trash", "use a duration", ["", "1y", "24", "-1h"]),
]);
