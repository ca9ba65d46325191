/** Configuration on a real cluster: a volume of class Config and a ConfigMap, captured and brought back. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { claim, idle, podSpec, policy, workload } from "../support/app.ts";
import { Bed, stepOf, type Task, type WorkloadBody, waitUntil } from "../support/bed.ts";

jest.setTimeout(600_000);

let bed: Bed;
let first: string;
let generation: number;
const generationOfApp = async (): Promise<number> =>
  (await bed.get<WorkloadBody>("Deployment", "app")).metadata.generation;
const unchangedOf = ({ status }: Task): unknown => (status as { readonly unchanged?: string }).unchanged;
const idOf = ({ status }: Task): string => status.generation?.id ?? "";

beforeAll(async () => {
  bed = await Bed.open("e2e-config");
  await bed.apply(
    ...["data", "conf", "store", "vault"].map((name) => claim(name)),
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { colour: "green" } },
    workload(
      "Deployment",
      "app",
      podSpec({
        script: idle,
        claims: { "/data": "data", "/conf": "conf" },
        container: { image: "handover/handover:dev", securityContext: { runAsUser: 0, runAsGroup: 0 } },
      }),
    ),
    policy("app", {
      app: { workloads: [{ kind: "Deployment", name: "app" }] },
      databases: [],
      volumes: [
        { name: "data", claimName: "data" },
        { name: "conf", claimName: "conf", class: "Config", exclude: ["cache/**"] },
      ],
      more: {
        config: { configMaps: [{ name: "settings" }] },
        mover: { runAsUser: 0 },
        // The first one is restored.
        retention: { source: { last: 5 }, sinks: { last: 5 } },
      },
    }),
  );
  await bed.ready("app");
  await bed.sh("deploy/app", "cd /conf; mkdir sites cache; echo one >sites/one; echo two >sites/two; sync -f .");
  generation = await generationOfApp();
});
afterAll(() => bed?.close());

test("a run captures them beside the running app, and no other volume", async () => {
  const run = await bed.run("first", "app", { type: "Config" });
  first = idOf(run);
  expect(run.status).toMatchObject({
    result: "Complete",
    app: "Up",
    generation: { type: "Config", consistency: "Running", files: 3 },
    copies: [{ location: "source" }, { location: "vault", state: "Verified" }],
  });
  expect(stepOf(run, "Quiesce")).toBeUndefined();
  expect(await generationOfApp()).toBe(generation);
});

test("one that finds no change makes nothing, however often, and whatever happens to what is left out", async () => {
  await bed.sh("deploy/app", "cd /conf; echo x >cache/x; echo >sites/.swp; rm sites/.swp");
  for (const name of ["second", "third"]) {
    const run = await bed.run(name, "app", { type: "Config" });
    expect(run.status).toMatchObject({
      result: "Complete",
      code: "",
      display: { message: `no change since ${first}` },
    });
    expect(unchangedOf(run)).toBe(first);
  }
});

test.each([
  ["a mode", "chmod 600 /conf/sites/one"],
  ["a file that is gone", "rm /conf/sites/two"],
])("%s is a change", async (what, script) => {
  await bed.sh("deploy/app", script);
  const run = await bed.run(what.replaceAll(" ", "-"), "app", { type: "Config" });
  expect(unchangedOf(run)).toBeUndefined();
  expect(run.status).toMatchObject({ result: "Complete", generation: { type: "Config" } });
});

test("another value of the ConfigMap is a change", async () => {
  await bed.patch("ConfigMap", "settings", { data: { colour: "red" } });
  const run = await bed.run("colour", "app", { type: "Config" });
  expect(unchangedOf(run)).toBeUndefined();
  expect(run.status.result).toBe("Complete");
});

test("a restore brings the volume back, and says that it does not touch the ConfigMap", async () => {
  const task = await bed.restore("back", "app", { from: { generation: first }, target: "InPlace", planOnly: false });
  expect(task.status).toMatchObject({ result: "Complete", app: "Up", code: "", advice: "" });
  expect(JSON.stringify(task.status.plan)).toContain("ConfigMaps and keys of Secrets stay as they are");
  await bed.ready("app");
  const state = await waitUntil(
    "the pod answers",
    () => bed.sh("deploy/app", "cd /conf; stat -c %a sites/one; cat sites/two; ls cache").catch(() => undefined),
    (text) => text !== "",
  );
  expect(state).toBe("644\ntwo\nx\n");
  const settings = await bed.get<{ readonly data: object }>("ConfigMap", "settings");
  expect(settings.data).toEqual({ colour: "red" });
});
