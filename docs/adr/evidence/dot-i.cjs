// What @dot-i/k8s-operator does when a watch ends in one of the ways in which watches end. Run by run.sh where it is installed.
const { spawnSync } = require("node:child_process");
const { writeFileSync, mkdtempSync, rmSync } = require("node:fs");
const http = require("node:http");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const widget = {
  apiVersion: "example.org/v1",
  kind: "Widget",
  metadata: { name: "one", namespace: "default", uid: "1", resourceVersion: "5" },
};
const line = (type, object) => `${JSON.stringify({ type, object })}\n`;
const ways = {
  "the connection of the watch is cut (API server restarted)": (response) => setTimeout(() => response.destroy(), 500),
  "the history has expired (410, an everyday answer)": (response) =>
    response.write(
      line("ERROR", {
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        reason: "Expired",
        code: 410,
        message: "too old resource version",
      }),
    ),
  "the API server answers 503 for a moment": null,
};

async function child(way) {
  const Operator = require("@dot-i/k8s-operator").default;
  const work = mkdtempSync(join(tmpdir(), "handover-evidence-"));
  const server = http.createServer((request, response) => {
    if (way === null) return response.writeHead(503).end("{}");
    response.writeHead(200, { "content-type": "application/json" });
    response.write(line("ADDED", widget));
    setTimeout(() => way(response), 300);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kubeconfig = join(work, "kubeconfig");
  const cluster = { name: "c", cluster: { server: `http://127.0.0.1:${server.address().port}` } };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [cluster],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
  process.env.KUBECONFIG = kubeconfig;
  const say = (text) => process.stdout.write(`${text}\n`);
  process.on("exit", () => rmSync(work, { recursive: true, force: true }));
  const quiet = { info() {}, debug() {}, warn() {}, error() {} };
  class Example extends Operator {
    constructor() {
      super(quiet);
    }
    async init() {
      await this.watchResource("example.org", "v1", "widgets", async () => say("event delivered"));
    }
  }
  await new Example().start();
  setTimeout(() => {
    say("still alive after 5 s");
    process.exit(0);
  }, 5_000);
}

const [index] = process.argv.slice(2);
if (index !== undefined) void child(Object.values(ways)[Number(index)]);
else
  for (const [number, title] of Object.keys(ways).entries()) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [__filename, String(number)], {
      encoding: "utf8",
      timeout: 30_000,
    });
    const thrown = /^(?:\w*Error|Uncaught).*$/m.exec(stderr)?.[0];
    console.log(
      `${title}\n  exit code ${status}; ${[...stdout.trim().split("\n"), thrown].filter(Boolean).join("; ") || "no output"}`,
    );
  }
