/**
 * A dump that dies, or whose store fails or is full, at one of its writes: the app is let go, the next run dumps what the database holds by
 * then, and nothing is left at the store or on the server.
 */
import { afterAll, beforeAll } from "@jest/globals";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";
import { Campaign } from "./fire/campaign.ts";
import { makeDumps } from "./fire/dumps.ts";
import { some, testSomeUnderFire, type Choose } from "./fire/suite.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** What pg_dump writes are many of the same. A disk that is full where we make something ourselves is not told by a tool. */
const isOurs = (call: string): boolean =>
  /^(mkdir|open)\S* \S*\/(\d{6}-[^/]+|databases(\/shop)?|\S*globals\.sql|\.part-dump\S+)$/.test(call);
const choose: Choose = (scenario, calls, by) => [
  ...some(4)(scenario, calls, by),
  ...calls.flatMap((name, index) => (isOurs(name) ? [{ scenario, call: index + 1, mode: "full" as const }] : [])),
];

testSomeUnderFire("fire-dump", ["dump"], choose, async (world) => ({
  scenarios: await makeDumps(world, server),
  campaign: new Campaign(world),
}));
