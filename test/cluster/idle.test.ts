/** What the controller costs when nothing happens. A measurement; asserted is only which requests it makes. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { writeFigures } from "../../demo/figures.ts";
import { operatorNamespace } from "../../demo/stage.ts";
import { policy } from "../support/app.ts";
import { Bed, waitUntil } from "../support/bed.ts";
import { controllerPods, scaleController } from "../support/controller.ts";

jest.setTimeout(600_000);

const command = "make test";
let bed: Bed;

interface Entry {
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string };
}

/** Requests of the controller since the moment that are neither of its lease nor watches. */
function requests(since: number): readonly string[] {
  const file = process.env["HANDOVER_TEST_AUDIT_LOG"] ?? "";
  if (file === "") throw new Error("HANDOVER_TEST_AUDIT_LOG is not set: this cluster has no audit log");
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line): readonly Entry[] => {
      try {
        return [JSON.parse(line)];
      } catch {
        // The line that is being written, and the end.
        return [];
      }
    })
    .filter(
      ({ user, requestReceivedTimestamp }) =>
        user.username.startsWith(`system:serviceaccount:${operatorNamespace}:`) &&
        Date.parse(requestReceivedTimestamp) >= since,
    )
    .filter(({ verb, objectRef }) => verb !== "watch" && objectRef?.resource !== "leases")
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

beforeAll(async () => {
  bed = await Bed.open("e2e-idle");
  // What other suites left is at its end before this one listens.
  await waitUntil(
    "the namespaces of other suites are gone",
    () => bed.kubectl("get", "namespaces", "-o", "name"),
    (names) => !names.split("\n").some((name) => name.startsWith("namespace/e2e-") && name !== "namespace/e2e-idle"),
  );
  await bed.apply(policy("shop", { more: { schedules: [{ name: "yearly", type: "Full", cron: "0 0 1 1 *" }] } }));
  await bed.run("refused", "shop");
});
afterAll(() => bed?.close());

test("from the start of its process to ready", async () => {
  await scaleController(bed, 0);
  await bed.kubectl("-n", operatorNamespace, "scale", "deployment/handover", "--replicas=1");
  const [pod] = await waitUntil(
    "there is a pod",
    () => controllerPods(bed),
    (pods) => pods.length === 1,
  );
  const name = pod?.metadata.name ?? "";
  const path = `/api/v1/namespaces/${operatorNamespace}/pods/${name}:8080/proxy/readyz`;
  await waitUntil(
    "it is ready",
    () => bed.api.text(path),
    ({ status }) => status === 200,
  );
  const readyAt = Date.now();
  const script = 'date +%s.%N; cut -d" " -f1 /proc/uptime; cut -d" " -f22 /proc/1/stat';
  const told = await bed.kubectl("-n", operatorNamespace, "exec", name, "--", "sh", "-c", script);
  const [now = 0, uptime = 0, ticks = 0] = told.trim().split("\n").map(Number);
  // The kernel counts the start of a process in hundredths of a second since its own.
  const startedAt = now - (uptime - ticks / 100);
  const value = readyAt / 1000 - startedAt;
  expect(value).toBeGreaterThan(0);
  writeFigures([{ name: "operator.start_seconds", value, unit: "s", command }]);
});

test("in an idle minute it makes no request but those of its lease and its watches", async () => {
  const quiet = 10_000;
  await waitUntil(
    "it has settled",
    () => Promise.resolve(requests(Date.now() - quiet)),
    (made) => made.length === 0,
    120,
  );
  const begin = Date.now();
  await new Promise((wake) => setTimeout(wake, 60_000));
  const made = requests(begin);
  const { body } = await bed.api.text(`/api/v1/namespaces/${operatorNamespace}/services/handover:8080/proxy/metrics`);
  const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(body)?.[1]);
  writeFigures([
    { name: "operator.idle_requests", value: made.length, unit: "requests/min", command },
    { name: "operator.rss_mib", value: resident / 1024 / 1024, unit: "MiB", command },
  ]);
  expect(made).toEqual([]);
  expect(resident).toBeGreaterThan(0);
});
