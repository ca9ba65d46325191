/** What a pod would be refused for, refused while a person is looking: resources, users, nodes, taints. */
import { type Bad, type Changes, each, type Row, table } from "./base.ts";

const limits = "spec.mover.resources.limits";
const toleration = (fields: object): Changes => ({ "spec.mover.tolerations": [fields] });

export const badMovers: readonly Bad[] = table("BackupPolicy", [
  ...each(`${limits}.memory`, "use quantities of more than zero", [
    "",
    "lots",
    "512 Mi",
    "512mb",
    "-1Gi",
    "0",
    "1Gi\n",
    "NaN",
    "$(nproc)",
    -1,
    0,
  ]).map(([because, changes, , says]): Row => [because, changes, limits, says]),
  ["an unknown resource", { [`${limits}.mem`]: "1Gi" }, limits, "use the resources cpu, memory and ephemeral-storage"],
  ["a device", { [`${limits}.nvidia\\.com/gpu`]: 1 }, limits, "use the resources cpu, memory and ephemeral-storage"],
  ["four resources", { [limits]: { cpu: 1, memory: 1, "ephemeral-storage": 1, mem: 1 } }, limits, "at most 3"],
  [
    "a request above its limit",
    { "spec.mover.resources.requests.memory": "1Gi" },
    "spec.mover.resources",
    "lower the request, or raise the limit",
  ],
  [
    "a request above its limit in other units",
    { "spec.mover.resources.requests.cpu": "1001m" },
    "spec.mover.resources",
    "lower the request, or raise the limit",
  ],
  ...each("spec.mover.runAsUser", "greater than or equal to 0", [-1]),
  ...each("spec.mover.runAsUser", "less than or equal to 2147483647", [2 ** 31, 4294967294]),
  ...each("spec.mover.runAsGroup", "less than or equal to 2147483647", [2 ** 31]),
  ...["", "a b", "-a", "a/b/c", "A.B/c", `a/${"x".repeat(64)}`, "a\nb"].map((key): Row => [
    `node label ${JSON.stringify(key)}`,
    { "spec.mover.nodeSelector": { [key]: "x" } },
    "spec.mover.nodeSelector",
    "use names such as kubernetes.io/hostname",
  ]),
  ...["a b", "-a", "a-", "a/b", "größe"].map((value): Row => [
    `node label value ${value}`,
    { "spec.mover.nodeSelector": { a: value } },
    "spec.mover.nodeSelector[a]",
    "use the value of a label",
  ]),
  [
    "17 node labels",
    { "spec.mover.nodeSelector": Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, ""])) },
    "spec.mover.nodeSelector",
    "at most 16",
  ],
  ["a toleration of nothing", toleration({}), "spec.mover.tolerations[0]", "set key, or set operator to Exists"],
  [
    "a toleration without a key",
    toleration({ operator: "Equal", value: "x" }),
    "spec.mover.tolerations[0]",
    "set key, or set operator to Exists",
  ],
  [
    "Exists with a value",
    toleration({ key: "a", operator: "Exists", value: "x" }),
    "spec.mover.tolerations[0]",
    "remove value, or set operator to Equal",
  ],
  [
    "seconds without NoExecute",
    toleration({ key: "a", effect: "NoSchedule", tolerationSeconds: 1 }),
    "spec.mover.tolerations[0]",
    "set effect to NoExecute",
  ],
  [
    "seconds without an effect",
    toleration({ key: "a", tolerationSeconds: 1 }),
    "spec.mover.tolerations[0]",
    "set effect to NoExecute",
  ],
  ...each("spec.mover.tolerations.0.operator", 'supported values: "Exists", "Equal"', ["In", "exists"]),
  ...each("spec.mover.tolerations.0.effect", "supported values", ["noExecute", "Evict"]),
  ...each("spec.mover.tolerations.0.key", "use the key of a taint", ["a b", "/a", "a/b/c", "größe"]),
  ...each("spec.mover.tolerations.0.value", "use the value of a taint", ["a b", "-a", "a/b"]),
  [
    "1,000 tolerations",
    { "spec.mover.tolerations": Array.from({ length: 1000 }, () => ({ operator: "Exists" })) },
    "spec.mover.tolerations",
    "at most 16",
  ],
]);
