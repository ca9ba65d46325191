/** Configuration: what is captured, and when it is looked at. */
import { type Bad, type Changes, each, type Row, table } from "./base.ts";

const config: Changes = {
  "spec.config": { configMaps: [{ name: "settings" }], secrets: [{ name: "keys", keys: ["a"] }] },
};
const schedule = (change: object): Changes => ({
  ...config,
  "spec.schedules.0": { name: "settings", type: "Config", ...change },
});
const at = "spec.schedules[0]";
const badNames = ["", "A", "a_b", "../a", "a/b", "other:a", "-a", "a\n"];

export const badConfigs: readonly Bad[] = table("BackupPolicy", [
  ["config that names nothing", { "spec.config": {} }, "spec.config", "name a ConfigMap or a Secret"],
  [
    "config with empty lists",
    { "spec.config": { configMaps: [], secrets: [] } },
    "spec.config",
    "name a ConfigMap or a Secret",
  ],
  ...each("spec.config.configMaps.0.name", "use the name of a ConfigMap in this namespace", badNames, config),
  ...each("spec.config.secrets.0.name", "use the name of a Secret in this namespace", badNames, config),
  ...each(
    "spec.config.secrets.0.keys.0",
    "use a key of the Secret",
    ["", ".", "..", "..data", "a/b", "../a", "a b", "größe", "a\n"],
    config,
  ).map(([because, changes, , says]): Row => [because, changes, "spec.config.secrets[0].keys[0]", says]),
  [
    "a Secret without keys",
    { "spec.config": { secrets: [{ name: "a" }] } },
    "spec.config.secrets[0].keys",
    "Required value",
  ],
  [
    "a Secret with no key",
    { "spec.config": { secrets: [{ name: "a", keys: [] }] } },
    "spec.config.secrets[0].keys",
    "at least 1",
  ],
  [
    "a schedule without configuration",
    { ...schedule({ cron: "0 2 * * *" }), "spec.config": undefined },
    "spec.schedules",
    "under config",
  ],
  [
    "a schedule with no volume of class Config",
    {
      ...schedule({ cron: "0 2 * * *" }),
      "spec.config": undefined,
      "spec.volumes": [{ name: "a", claimName: "a", class: "Data" }],
    },
    "spec.schedules",
    "a volume of class Config",
  ],
  ...each("spec.volumes.1.class", 'supported values: "Data", "Config"', ["", "Log", "config", "Configuration"]).map(
    ([because, changes, , says]): Row => [because, changes, "spec.volumes[1].class", says],
  ),
  ["neither cron nor onChange", schedule({}), at, "set exactly one of cron and onChange"],
  ["both cron and onChange", schedule({ cron: "0 2 * * *", onChange: {} }), at, "set exactly one of cron and onChange"],
  ["onChange for another type", { ...schedule({ type: "Full", onChange: {} }) }, at, "use type Config"],
  ["no time for another type", { ...schedule({ type: "Full" }) }, at, "set exactly one of cron and onChange"],
  ...["", "0m", "30s", "10", "1d", "1h0", "-5m", "500ms", "10m\n"].map((interval): Row => [
    `an interval of ${JSON.stringify(interval)}`,
    schedule({ onChange: { interval } }),
    `${at}.onChange.interval`,
    "use a duration of at least 1m",
  ]),
]);
