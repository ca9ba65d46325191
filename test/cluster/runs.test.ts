/** Whole backup runs of a small application on a real cluster: what a user starts, waits for and sees. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { watchApp } from "../support/app-watch.ts";
import { installApp, policy } from "../support/app.ts";
import { Bed, type Task, isFinished, isTrue, waitUntil } from "../support/bed.ts";

jest.setTimeout(600_000);

interface PolicyBody {
  readonly status: {
    readonly state: string;
    readonly locations: readonly { readonly name: string; readonly generations: number; readonly verified: number }[];
  };
}

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open("e2e-runs");
  await installApp(bed);
  await bed.apply(policy("shop"));
});
afterAll(() => bed?.close());

const states = (run: Task): Readonly<Record<string, string>> =>
  Object.fromEntries(run.status.copies?.map(({ location, state }) => [location, state]) ?? []);
const startOf = (run: Task, step: string): number =>
  Date.parse(
    (run.status.steps.find(({ name }) => name === step) as { startedAt?: string } | undefined)?.startedAt ?? "",
  );

describe("a Full run", () => {
  let first: Task;

  test("is Complete; the app is down only between its stop and its return; both can be waited for", async () => {
    const watch = watchApp(bed, "web");
    await bed.start("first", "shop");
    const appRestored = bed
      .k("wait", "--for=condition=AppRestored", "brun/first", "--timeout=240s")
      .then(() => bed.get<Task>("BackupRun", "first"));
    await bed.k("wait", "--for=condition=Finished", "brun/first", "--timeout=240s");
    first = await bed.get<Task>("BackupRun", "first");
    await bed.ready("web");
    const down = await watch.stop();

    expect(first.status).toMatchObject({ result: "Complete", app: "Up", code: "", advice: "", phase: "Done" });
    expect(states(first)).toEqual({ source: "Verified", vault: "Verified" });
    expect(first.status.workloads).toMatchObject([{ name: "web", replicas: 1 }]);
    // Whoever waits for the app must not be told that it is back before it was stopped.
    expect((await appRestored).status.times?.["readyAt"]).toBeDefined();

    expect(down.length).toBeGreaterThan(0);
    const readyAt = Date.parse(first.status.times?.["readyAt"] ?? "");
    const outside = down.filter(({ asked, answered }) => answered < startOf(first, "Quiesce") || asked > readyAt);
    expect(outside).toEqual([]);
  });

  test("shows itself in the columns, in conditions and in events", async () => {
    const [head = "", row = ""] = (await bed.k("get", "brun", "first")).split("\n");
    expect(head.split(/\s+/)).toEqual(
      expect.arrayContaining(["TYPE", "RESULT", "PHASE", "APP", "DOWNTIME", "SIZE", "COPIES", "AGE", "MESSAGE"]),
    );
    expect(row).toMatch(
      /^first\s+Full\s+Complete\s+Done\s+Up\s+[\d.]+m?s\s+[\d.]+ \w+\s+2\/2\s+\d+\w+\s+\d+ files, 2 tables/,
    );
    const shown = [
      "Accepted",
      "Quiesced",
      "Captured",
      "AppRestored",
      "Sealed",
      "Transported",
      "Verified",
      "Pruned",
      "Succeeded",
    ];
    expect(shown.filter((type) => !isTrue(first, type))).toEqual([]);
    const events = await bed.k(
      "get",
      "events",
      "--field-selector",
      "involvedObject.kind=BackupRun,involvedObject.name=first",
    );
    for (const reason of ["AppRestored", "Sealed", "Verified", "RunComplete"]) expect(events).toContain(reason);
    const { status } = await bed.until<PolicyBody>(
      "BackupPolicy",
      "shop",
      "Protected",
      (seen) => seen.status?.state === "Protected",
    );
    expect(status.locations).toMatchObject([
      { name: "source", generations: 1, verified: 1 },
      { name: "vault", generations: 1, verified: 1 },
    ]);
  });

  test("leaves at the sink what plain tools find whole and equal to the application", async () => {
    const id = first.status.generation?.id ?? "";
    const at = `/vault/e2e-runs/shop/store/${id}`;
    const checks = await bed.sh("deploy/toolbox", `cd ${at}; sha256sum --strict -c SHA256SUMS`);
    expect(
      checks
        .trim()
        .split("\n")
        .filter((line) => !line.endsWith(": OK")),
    ).toEqual([]);
    const listed = await bed.sh("deploy/toolbox", `cd ${at}; find . -type f | sort; cut -c67- SHA256SUMS`);
    for (const name of ["./manifest.json", "manifest.sha256", "volumes/uploads.tar.zst", "restore.sh"])
      expect(listed).toContain(name);
    const entries = await bed.sh(
      "deploy/toolbox",
      `cd ${at}; /usr/lib/postgresql/18/bin/pg_restore --list databases/shop/dump`,
    );
    expect(entries).toMatch(/TABLE DATA public orders/);
    expect(entries).toMatch(/TABLE DATA public odd "name"/);
    const hash = "sha256sum big.bin docs/a.txt page.txt";
    const archived = await bed.sh(
      "deploy/toolbox",
      `mkdir -p /tmp/x; cd /tmp/x; tar --zstd -xf ${at}/volumes/uploads.tar.zst; ${hash}`,
    );
    expect(archived).toBe(await bed.sh("deploy/web", `cd /uploads; ${hash}`));
  });

  test("leaves no Job, no pod and no quiesce record behind", async () => {
    expect(await bed.list("Job")).toEqual([]);
    expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
    // The garbage collector takes the pods of a Job that is gone in its own time.
    await waitUntil(
      "no pod is left",
      async () =>
        (await bed.list<{ metadata: { name: string } }>("Pod"))
          .map(({ metadata }) => metadata.name)
          .filter((name) => name.startsWith("first")),
      (pods) => pods.length === 0,
      60,
    );
    const isLetGo = ({ metadata }: Task): boolean => (metadata.finalizers ?? []).length === 0;
    await bed.until<Task>("BackupRun", "first", "it is let go", isLetGo);
  });

  test("after two more, source and sink keep what the policy says, and runs without a generation are gone", async () => {
    const second = await bed.run("second", "shop");
    expect(second.status).toMatchObject({ result: "Complete", advice: "" });
    await bed.until<Task>(
      "BackupRun",
      "first",
      "its source copy is Pruned",
      (run) => states(run)["source"] === "Pruned",
    );
    expect(states(await bed.get<Task>("BackupRun", "first"))["vault"]).toBe("Verified");
    const third = await bed.run("third", "shop");
    expect(third.status).toMatchObject({ result: "Complete", advice: "" });
    // What lies in the trash keeps its record for as long as the policy says.
    await bed.until<Task>("BackupRun", "first", "both are Pruned", (run) => states(run)["vault"] === "Pruned");
    await bed.patch("BackupPolicy", "shop", { spec: { retention: { trash: "0s" } } });
    await bed.gone("BackupRun", "first", 60);
    await bed.until<Task>(
      "BackupRun",
      "second",
      "its source copy is Pruned",
      (run) => states(run)["source"] === "Pruned",
    );
    const ids = [second, third].map((run) => run.status.generation?.id);
    const stored = (root: string): Promise<string> => bed.sh("deploy/toolbox", `ls ${root}/e2e-runs/shop/store`);
    expect((await stored("/vault")).trim().split("\n")).toEqual(ids);
    expect((await stored("/store")).trim()).toBe(ids[1]);
    expect(isFinished(await bed.get<Task>("BackupRun", "second"))).toBe(true);
  });
});
