/** Unusual, but right: a rule that refuses one of these is too tight. */
import { bases, changed, type Changes, type Kind, kinds } from "./base.ts";

const postgres = "spec.databases.0.postgres";
const values = (path: string, list: readonly unknown[]): readonly Changes[] => list.map((value) => ({ [path]: value }));

const config = (cron: string) => ({ name: "c", type: "Config", cron });

const rows: Readonly<Record<Kind, readonly Changes[]>> = {
  BackupPolicy: [
    ...values("metadata.name", ["a", "x".repeat(32), "a-1", "shop2"]),
    ...values("spec.schedules.0.cron", [
      "*/15 * * * *",
      "0,30 2 * * *",
      "00 02 01 01 *",
      "5-59/15 0-6/2,22 * * *",
      "0 2 * * MON-FRI",
      "0 2 1 jan,Jul sun",
      "0 2 * * 5-7",
      "0 2 29 2 *",
      "0 2 */2 * */3",
      "* * * * *",
    ]),
    ...values("spec.schedules.0.type", ["Full", "Incremental", "Differential", "Database"]),
    ...values("spec.config", [
      { configMaps: [{ name: "a" }, { name: "kube-root-ca.crt" }] },
      { secrets: [{ name: "a.b", keys: [".dockerconfigjson", "config.php", "KEY_1", "a..b"] }], configMaps: [] },
    ]),
    { "spec.config": { configMaps: [{ name: "a" }] }, "spec.schedules.0": config("0 2 * * *") },
    ...values("spec.volumes.1.class", ["Data", "Config", undefined]),
    {
      "spec.config": undefined,
      "spec.volumes.1.class": "Config",
      "spec.schedules.0": { name: "c", type: "Config", onChange: {} },
    },
    ...["1m", "10m", "1h30m", "24h", null].map((interval) => ({
      "spec.config": { configMaps: [{ name: "a" }] },
      "spec.schedules.0": { name: "c", type: "Config", onChange: interval === null ? {} : { interval } },
    })),
    ...values("spec.maxChain", [2, 30, 400]),
    { "spec.databases": undefined, "spec.schedules": [{ name: "daily", type: "Incremental", cron: "0 2 * * *" }] },
    ...values("spec.schedules.0.timeZone", [
      "UTC",
      "America/Port-au-Prince",
      "America/Argentina/Buenos_Aires",
      "Etc/GMT+2",
      "EST5EDT",
      "W-SU",
    ]),
    ...values("spec.schedules.0.startingDeadline", ["1ms", "90s", "1h30m", "2w", "000001s", "999999w", "1h0m"]),
    ...values(`${postgres}.host`, [
      "10.0.0.7",
      "fd00::1",
      "2001:db8:0:0:0:0:0:1",
      "::1",
      "shop-db.shop.svc.cluster.local",
      "DB_1",
      "x".repeat(253),
    ]),
    ...values(`${postgres}.database`, [
      "My Shop",
      "shop's",
      'a"b',
      "x".repeat(63),
      "größe",
      "shop;drop",
      "a/b",
      "🐘",
      "postgres",
    ]),
    ...values("spec.volumes.1.paths", [
      ["."],
      ["-rf"],
      ["a b"],
      ["größe"],
      ["..."],
      [".hidden"],
      ["a..b"],
      ["--checkpoint-action=exec=sh"],
      ["a", "a/b"],
    ]),
    ...values("spec.volumes.0.exclude", [[], ["**/*.tmp"], ["-x"], ["*/cache/**"], [".git"], ["[a-z]?"]]),
    ...values("spec.store.claimName", ["a", "1", "data-shop-0", "a.b", "x".repeat(253)]),
    ...values("spec.mover", [
      {},
      { resources: {} },
      { resources: { requests: { cpu: "0.5", memory: "1e9" }, limits: { cpu: 1, memory: 2_000_000_000 } } },
      { resources: { requests: { cpu: "1000m" }, limits: { cpu: 1 } } },
      { runAsUser: 2147483647 },
      { nodeSelector: { "node-role.kubernetes.io/backup": "", disk: "SSD_1" } },
      { tolerations: [{ operator: "Exists" }, { key: "a" }, { key: "a", operator: "Exists", effect: "NoSchedule" }] },
    ]),
    { "spec.volumes": undefined },
    { "spec.databases": undefined, "spec.schedules": undefined },
    { "spec.schedules": [] },
    { "spec.app": { quiesce: "None" } },
    { "spec.suspend": true },
    { "spec.sinks.0.verify": "Sample" },
    { "spec.sinks.0.retention": { last: 2 } },
    { "spec.retention.source": { last: 1 } },
    { "spec.sinks.0.retention": { daily: 2 } },
    { "spec.sinks.0.retention": { last: 1, daily: 1 } },
    { "spec.retention.sinks": { last: 1, hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 3, maxAge: "3d12h" } },
    ...values("spec.retention.timeZone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+2"]),
    ...values("spec.retention.trash", ["0s", "24h", "1w3d"]),
    { "spec.retention.sinks": { last: 1, minVerified: 1 } },
    // null where there is a default is the default; status is not the user's to write
    { "spec.app.stopTimeout": null, "spec.suspend": null, "spec.retention": null },
    { status: { state: "Protected" } },
  ],
  BackupRun: [
    ...values("metadata.name", ["a", "x".repeat(100), "shop.1", "1"]),
    ...values("spec.scheduledFor", ["2026-11-22T02:00:00+01:00", "2026-11-22T02:00:00.000Z"]),
    { spec: { policyName: "shop" } },
    { "spec.sinks": [] },
    ...values("spec.type", ["Full", "Incremental", "Differential", "Database"]),
    { "spec.scheduleName": undefined, "spec.scheduledFor": undefined },
  ],
  RestoreRequest: [
    ...values("metadata.name", ["a", "x".repeat(63)]),
    ...values("spec.from", [
      { latest: true },
      { latest: true, location: "source" },
      { before: "2026-11-21T12:00:00+01:00" },
      { generation: "000042-20261121T010203Z-database" },
    ]),
    { "spec.include": undefined },
    { "spec.include": { volumes: ["uploads"] } },
    { "spec.planOnly": undefined },
  ],
};

export const accepted = kinds.flatMap((kind) =>
  rows[kind].map((changes) => ({
    kind,
    because: JSON.stringify(changes).slice(0, 120),
    object: changed(bases[kind], changes),
  })),
);
