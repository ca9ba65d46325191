/**
 * The operator as a process behind a proxy that breaks, before a real API server that is restarted and compacted. It never exits for
 * a fault that passes, never goes blind, never hammers. On a control plane of its own: the shared cluster would suffer with it.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { printFigures, writeFigures } from "../../demo/figures.ts";
import { installCrds } from "../support/api.ts";
import { waitUntil } from "../support/bed.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { type Case, Lane, cases, ran, silent, violations, wire } from "../support/fault-lane.ts";
import { installRole } from "../support/operator-process.ts";

jest.setTimeout(600_000);

let plane: ControlPlane;
const lanes: Lane[] = [];

beforeAll(async () => {
  plane = await ControlPlane.start();
  await installCrds(plane.api);
  await installRole(plane.api);
});
afterAll(async () => {
  await Promise.all(lanes.map((lane) => lane.close()));
  await plane?.stop();
  const total = [...ran.values()].reduce((sum, count) => sum + count, 0);
  const figures = [
    { name: "runtime.cases", value: total, unit: "cases", command: "make test" },
    { name: "runtime.violations", value: violations.length, unit: "violations", command: "make test" },
  ];
  writeFigures(figures);
  const kinds = [...ran].map(([kind, count]) => `  ${kind.padEnd(32)} ${count} cases`);
  console.log(["faults between operator and API server", ...kinds, printFigures(figures), ...violations].join("\n"));
});

async function open(...given: Parameters<typeof Lane.open> extends [unknown, ...infer Rest] ? Rest : never) {
  const lane = await Lane.open(plane, ...given);
  lanes.push(lane);
  await lane.ready();
  return lane;
}

const lanesOf: readonly (readonly [string, readonly Case[]])[] = [
  ...(["leases", "lists", "watches", "writes"] as const).map((target) => [target, cases(target)] as const),
  ...Object.entries(silent).map(([name, only]) => [name, [only]] as const),
  ["wire", wire],
];

test.concurrent.each(lanesOf)("%s: it lives, sees and does not hammer", async (name, faults) => {
  const lane = await open(`faults-${name}`);
  const wrong: string[] = [];
  for (const fault of faults) wrong.push(...(await lane.bear(fault)));
  await lane.close();
  expect(wrong).toEqual([]);
});

test.concurrent("a token that has become invalid is replaced by the one in the file", async () => {
  const lane = await open("faults-token");
  const { holderIdentity } = await lane.lease();
  await lane.operator.revokeTokens();
  await lane.operator.writeToken();
  lane.proxy.forget();
  // The API server remembers for a while that it had believed in a token.
  await waitUntil(
    "the old token is refused",
    async () => lane.proxy.answers.get(401),
    (count) => count > 0,
    60,
  );
  await lane.sees();
  expect(lane.operator.end).toBeUndefined();
  expect((await lane.lease()).holderIdentity).toBe(holderIdentity);
  expect(lane.proxy.answers.get(401)).toBeLessThan(20);
  ran.set("expired token", 1);
  await lane.close();
});

test.concurrent("a leader that was stopped for longer than its lease writes nothing when it continues", async () => {
  const first = await open("faults-leaders", { name: "first" });
  const second = await Lane.open(plane, "faults-leaders", { name: "second" });
  lanes.push(second);
  await waitUntil(
    "the second waits",
    async () => second.proxy.sum("leases"),
    (asked) => asked > 0,
  );
  // Passes are under way when it stops: their answers come while it cannot read them.
  first.proxy.set({ gets: { do: "delay", ms: 1_000 }, lists: { do: "delay", ms: 1_000 } });
  const probes = [await first.probe(), await first.probe(), await first.probe()];
  await waitUntil(
    "the first works on them",
    async () => first.proxy.sum("gets"),
    (asked) => asked > 0,
  );
  first.operator.kill("SIGSTOP");
  for (const probe of probes) await first.seen(probe);
  expect(second.operator.said("became leader")).toBe(true);
  first.proxy.forget();
  first.operator.kill("SIGCONT");
  await waitUntil(
    "the first has ended",
    async () => first.operator.end,
    () => true,
  );
  expect(first.operator.end).toBe(1);
  expect(first.operator.said("lost the lease")).toBe(true);
  expect(first.proxy.sum("writes")).toBe(0);
  expect([first.operator.errors, second.operator.errors]).toEqual(["", ""]);
  // As the kubelet starts it again: it waits, and takes over when the other goes.
  await first.operator.start();
  second.operator.kill("SIGTERM");
  await waitUntil(
    "the second has ended",
    async () => second.operator.end,
    () => true,
  );
  expect(second.operator.end).toBe(0);
  await first.sees();
  ran.set("SIGSTOP and SIGCONT", 1);
  await first.close();
});

test("the API server is restarted", async () => {
  const led = await open("restart-led");
  const alone = await open("restart-alone", { env: { HANDOVER_LEADER_ELECTION: "false" } });
  const { pid } = alone.operator;
  for (const { proxy } of [led, alone]) proxy.forget();
  await plane.stopApiServer();
  // Without a cache of its own it knows no more history than etcd, which the next test makes it forget.
  await plane.startApiServer("--watch-cache=false");
  await alone.sees();
  expect([alone.operator.pid, alone.operator.end]).toEqual([pid, undefined]);
  expect(alone.proxy.most("watches") + alone.proxy.most("lists")).toBeLessThan(20);
  // A start may take longer than a lease lasts. Then it is right to go, and the kubelet starts a new one.
  const { end } = led.operator;
  expect([end, led.operator.said("lost the lease")]).toEqual(end === undefined ? [undefined, false] : [1, true]);
  if (end !== undefined) await led.operator.start();
  await led.sees();
  expect([led.operator.errors, alone.operator.errors]).toEqual(["", ""]);
  ran.set("API server restart", 2);
  await led.close();
});

test("etcd forgets the history that a watch would need", async () => {
  const lane = lanes.at(-1) as Lane;
  const { pid } = lane.operator;
  const expired = async (): Promise<number> => {
    const port = Number(lane.operator.lines.find(({ msg }) => msg === "started")?.["port"]);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const lines = text.split("\n").filter((line) => /reason="expired"/.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  const before = await expired();
  lane.proxy.set({ watches: { do: "cut" } });
  lane.proxy.cutWatches();
  const missed = await lane.probe();
  await plane.compact();
  lane.proxy.forget();
  lane.proxy.set({});
  await lane.seen(missed);
  await lane.sees();
  expect(await expired()).toBeGreaterThan(before);
  expect([lane.operator.pid, lane.operator.end, lane.operator.errors]).toEqual([pid, undefined, ""]);
  expect(lane.proxy.most("watches") + lane.proxy.most("lists")).toBeLessThan(20);
  ran.set("etcd compaction", 1);
});
