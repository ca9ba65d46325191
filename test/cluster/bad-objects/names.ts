/** Names: of policies, and of everything that a policy, a run or a restore names. */
import { type Bad, each, table } from "./base.ts";

const x = (count: number): string => "x".repeat(count);

/** Names that become part of paths: a-z, 0-9 and -, starting with a letter. */
const badPathNames = [
  "",
  "Shop",
  "1shop",
  "-shop",
  "shop-",
  "sh_op",
  "sh.op",
  "sh op",
  " shop",
  "shop\n",
  "shop\u0000",
  "..",
  "a/b",
  "../etc",
  "%2e%2e",
  "$(id)",
  "`id`",
  "a;b",
  "größe",
  "shоp", // the third letter is Cyrillic
  "shop\u200b",
  "\u202eshop",
];
/** Names of other objects in the namespace. */
const badObjectNames = [
  "",
  "Shop",
  "-rf",
  "shop-",
  "shop.",
  ".shop",
  "a..b",
  "other/shop",
  "../shop",
  "shop\n",
  "a b",
  "a,b",
  "$HOME",
  "sh_op",
];

const policyNames = [...badPathNames.slice(0, 9), "a/b", "..", x(33), "größe"];

export const badNames: readonly Bad[] = [
  ...table("BackupPolicy", [
    ...each("metadata.name", "", policyNames),
    [
      "metadata.name with a dot would not be one part of a path",
      { "metadata.name": "shop.example" },
      "metadata.name",
      "use at most 32 characters, a-z, 0-9 and -",
    ],
    [
      "metadata.name that starts with a digit",
      { "metadata.name": "1shop" },
      "metadata.name",
      "starting with a letter and ending with a letter or digit",
    ],
    ["metadata.name of 33 characters", { "metadata.name": x(33) }, "metadata.name", "use at most 32 characters"],

    ...each("spec.databases.0.name", "use at most 32 characters, a-z, 0-9 and -", badPathNames),
    ...each("spec.volumes.0.name", "use at most 32 characters, a-z, 0-9 and -", badPathNames.slice(0, 14)),
    ...each("spec.sinks.1.name", "use at most 32 characters, a-z, 0-9 and -", badPathNames.slice(0, 14)),
    ...each("spec.sinks.1.name", "call the sink something else", ["source"]),
    ...each("spec.schedules.0.name", "use at most 24 characters, a-z, 0-9 and -", badPathNames.slice(0, 14)),
    ...each("spec.databases.0.name", "may not be more than 32", [x(33)]),
    ...each("spec.volumes.0.name", "may not be more than 32", [x(33), x(5000)]),
    ...each("spec.sinks.1.name", "may not be more than 32", [x(33)]),
    ...each("spec.schedules.0.name", "may not be more than 24", [x(25)]),

    ...each("spec.app.workloads.0.name", "as in kubectl get deployments,statefulsets", badObjectNames),
    ...each("spec.databases.0.postgres.secretRef.name", "as in kubectl get secrets", badObjectNames),
    ...each("spec.volumes.0.claimName", "as in kubectl get pvc", badObjectNames),
    ...each("spec.store.claimName", "as in kubectl get pvc", badObjectNames),
    ...each("spec.sinks.0.claim.claimName", "as in kubectl get pvc", badObjectNames),
    ...each("spec.store.claimName", "may not be more than 253", [x(254)]),
    ...each("spec.app.workloads.0.name", "may not be more than 253", [x(254)]),
  ]),
  ...table("BackupRun", [
    ["metadata.name of 101 characters", { "metadata.name": x(101) }, "metadata.name", "use at most 100 characters"],
    ...each("spec.policyName", "as in kubectl get bpol", [...badPathNames, "other/shop"]),
    ...each("spec.policyName", "may not be more than 32", [x(33)]),
    ...each("spec.scheduleName", "use the name of a schedule of the policy", badPathNames.slice(0, 12)),
    ...each("spec.sinks.0", "use the name of a sink of the policy", badPathNames.slice(0, 12)),
  ]),
  ...table("RestoreRequest", [
    ["metadata.name of 64 characters", { "metadata.name": x(64) }, "metadata.name", "use at most 63 characters"],
    ...each("spec.policyName", "as in kubectl get bpol", badPathNames.slice(0, 12)),
    ...each("spec.from.location", "use source, or the name of a sink", badPathNames.slice(0, 12)),
    ...each("spec.include.databases.0", "the name that the database has in the policy", badPathNames.slice(0, 12)),
    ...each("spec.include.volumes.0", "the name that the volume has in the policy", badPathNames.slice(0, 12)),
  ]),
];
