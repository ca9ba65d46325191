import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { readConfig } from "../../operator/config.ts";
import { createLog } from "../../operator/log.ts";
import { version } from "../../operator/version.ts";

const required = { HANDOVER_NAMESPACE: "handover-system", HANDOVER_IMAGE: "example.org/handover:1" };

test("defaults", () => {
  expect(readConfig({ ...required, HOSTNAME: "pod-1", HANDOVER_WORKERS: "" })).toMatchObject({
    config: {
      namespace: "handover-system",
      podName: "pod-1",
      podUID: undefined,
      watchNamespace: undefined,
      workers: 4,
      http: { host: "0.0.0.0", port: 8080 },
      leaderElection: true,
      logLevel: "info",
      kubeconfig: undefined,
      unknownVariables: [],
    },
  });
});

test("all mistakes at once, each with the variable and what is expected", () => {
  const result = readConfig({
    HANDOVER_NAMESPACE: "Not A Name",
    HANDOVER_WORKERS: "many",
    HANDOVER_HTTP_BIND: "8080",
    HANDOVER_LEADER_ELECTION: "yes",
    HANDOVER_LOG_LEVEL: "loud",
    KUBECONFIG: "/a:/b",
  });
  const mistakes = "mistakes" in result ? result.mistakes : [];
  const variables = mistakes.map((mistake) => mistake.replace(/ .*/, ""));
  expect(new Set(variables)).toEqual(
    new Set([
      "HANDOVER_HTTP_BIND",
      "HANDOVER_IMAGE",
      "HANDOVER_LEADER_ELECTION",
      "HANDOVER_LOG_LEVEL",
      "HANDOVER_NAMESPACE",
      "HANDOVER_WORKERS",
      "KUBECONFIG",
    ]),
  );
  for (const mistake of mistakes) expect(mistake).toMatch(/^\S+ is (".*"|not set); expected .+/);
});

test.each([
  ["0.0.0.0:8080", { host: "0.0.0.0", port: 8080 }],
  [":9090", { host: "0.0.0.0", port: 9090 }],
  ["[::]:8080", { host: "::", port: 8080 }],
  ["localhost:0", { host: "localhost", port: 0 }],
])("%s is an address", (value, http) => {
  expect(readConfig({ ...required, HANDOVER_HTTP_BIND: value })).toMatchObject({ config: { http } });
});

test.each(["::1:8080", "host:70000", "host:", "host", "a b:1"])("%s is none", (value) => {
  expect(readConfig({ ...required, HANDOVER_HTTP_BIND: value })).toHaveProperty("mistakes");
});

test.each(["0", "65", "1.5", "-1", "4x"])("%s workers are refused", (value) => {
  expect(readConfig({ ...required, HANDOVER_WORKERS: value })).toHaveProperty("mistakes");
});

test("a misspelt variable is named; what Kubernetes adds for a Service is not", () => {
  const links = {
    HANDOVER_SERVICE_HOST: "10.0.0.1",
    HANDOVER_PORT: "tcp://10.0.0.1:80",
    HANDOVER_METRICS_PORT_80_TCP_ADDR: "x",
  };
  expect(readConfig({ ...required, ...links, HANDOVER_WORKRES: "8" })).toMatchObject({
    config: { workers: 4, unknownVariables: ["HANDOVER_WORKRES"] },
  });
});

test("the configuration cannot be changed", () => {
  const result = readConfig(required);
  const config = "config" in result ? result.config : undefined;
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.isFrozen(config?.http)).toBe(true);
});

test("the version is the package's", () => {
  expect(JSON.parse(readFileSync("package.json", "utf8"))).toMatchObject({ version });
});

test("log lines are JSON with level, time and the fields; quieter ones are left out", () => {
  const lines: string[] = [];
  const log = createLog("info", { write: (line) => void lines.push(line) });
  log.debug({}, "unheard");
  log.child({ namespace: "shop" }).warn({ err: new Error("boom") }, "sink is unreachable");
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    {
      level: "warn",
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      namespace: "shop",
      err: expect.objectContaining({ message: "boom" }),
      msg: "sink is unreachable",
    },
  ]);
});
