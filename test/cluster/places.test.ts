/** Stores, sinks and volumes that are not what they were: nothing is overwritten or pruned, and what was kept comes over later. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { claim, idle, podSpec, policy, toolbox, workload } from "../support/app.ts";
import { Bed, type Task, type WorkloadBody } from "../support/bed.ts";
import { makeSmallVolumes, removeSmallVolumes } from "../support/small-volume.ts";

jest.setTimeout(600_000);

const namespace = "e2e-places";
let bed: Bed;
let first: Promise<Task>;
const inToolbox = (script: string): Promise<string> => bed.sh("deploy/toolbox", script);
const copyAt = (run: Task, location: string): string | undefined =>
  run.status.copies?.find((copy) => copy.location === location)?.state;
const generationOf = async (): Promise<number> =>
  (await bed.get<WorkloadBody>("Deployment", "files")).metadata.generation;

beforeAll(async () => {
  bed = await Bed.open(namespace);
  await makeSmallVolumes(bed, { "small-sink": 512 });
  await bed.apply(
    ...["uploads", "store", "vault", "other"].map((name) => claim(name)),
    workload("Deployment", "files", podSpec({ script: idle, claims: { "/uploads": "uploads" } })),
    toolbox({ "/store": "store", "/vault": "vault", "/other": "other", "/small": "small-sink" }),
  );
  await Promise.all([bed.ready("files"), bed.ready("toolbox")]);
  await bed.sh(
    "deploy/files",
    "cd /uploads; head -c 1000000 /dev/urandom >big.bin; echo a >a; mkdir -p b; echo c >b/c",
  );
  const volumesOnly = { app: { workloads: [{ kind: "Deployment", name: "files" }] }, databases: [] };
  const sink = (claimName: string): object => ({ sinks: [{ name: "vault", claim: { claimName } }] });
  await bed.apply(
    policy("chain", volumesOnly),
    policy("full", { ...volumesOnly, ...sink("small-sink") }),
    policy("mixed-up", { ...volumesOnly, ...sink("other") }),
  );
  await inToolbox(`echo '{"format":1,"uuid":"0ther"}' >/other/handover.json
    mkdir -p /other/${namespace}/mixed-up
    echo '{"format":1,"namespace":"${namespace}","policy":"mixed-up","policyUID":"0ther-uid"}' >/other/${namespace}/mixed-up/lineage.json`);
});
afterAll(async () => {
  await removeSmallVolumes(bed, ["small-sink"]);
  await bed.close();
});

describe("sinks that cannot take a copy", () => {
  test("three policies of one app at once: each generation is sealed and waits, the app comes back once all are done", async () => {
    first = bed.run("first", "chain");
    const [full, mixedUp] = await Promise.all([bed.run("full", "full"), bed.run("mixed-up", "mixed-up")]);
    for (const [run, code, names] of [
      [full, "HO-C902", "free"],
      [mixedUp, "HO-P106", "0ther-uid"],
    ] as const) {
      expect(run.status).toMatchObject({ result: "AtRisk", code, app: "Up" });
      expect(run.status.advice).toMatch(
        new RegExp(
          `^${code} .*${names}.*\\. App: \\S.*\\. Data: generation \\S+ is sealed at the source\\. Next: .*kubectl `,
        ),
      );
      expect([copyAt(run, "source"), copyAt(run, "vault")]).toEqual(["Verified", "Missing"]);
      expect(run.status.display["copies"]).toBe("1/2");
    }
    await first;
    await bed.ready("files");
    expect(await bed.list("Lease", "?labelSelector=backup.handover.dev/quiesce-record")).toEqual([]);
    // Not a byte of a half generation in view, nothing of ours in what belongs to somebody else.
    expect(await inToolbox(`ls -A /small/${namespace}/full/store /small/${namespace}/full/staging`)).toMatch(
      /^\/\S+:\n\n\/\S+:\n$/,
    );
    expect((await inToolbox(`ls -A /other/${namespace}/mixed-up`)).trim()).toBe("lineage.json");
    expect((await inToolbox(`ls /store/${namespace}/full/handover`)).trim()).toBe(full.status.generation?.id);
  });

  test("once there is room, the next run brings over both, and the earlier run becomes Complete", async () => {
    await bed.sh(
      "deploy/small-volumes",
      `mount -o remount,size=64m /var/lib/kubelet/handover-small/${namespace}/small-sink`,
    );
    const { status } = await bed.run("full-again", "full");
    expect(status.result).toBe("Complete");
    const late = await bed.until<Task>(
      "BackupRun",
      "full",
      "it is Complete",
      (run) => run.status.result === "Complete",
      60,
    );
    expect(copyAt(late, "vault")).toBe("Verified");
    expect(late.status).toMatchObject({ code: "", advice: "" });
  });
});

describe("a policy that knows its places", () => {
  test("refuses a store that was emptied or is another one, and writes nothing there", async () => {
    expect((await first).status.result).toBe("Complete");
    await bed.until("BackupPolicy", "chain", "it knows the store", (seen) => JSON.stringify(seen).includes('"uuid"'));
    const generation = await generationOf();
    await inToolbox("mkdir /store/away; cd /store; mv handover.json e2e-places away/; mv away /store/.away");
    try {
      const { status } = await bed.run("unmounted", "chain");
      expect(status).toMatchObject({ result: "Failed", code: "HO-P105", app: "Up" });
      expect(status.advice).toContain("handover.json is missing");
      expect((await inToolbox("ls -A /store")).trim()).toBe(".away");
      await inToolbox(`echo '{"format":1,"uuid":"another"}' >/store/handover.json`);
      const other = await bed.run("another", "chain");
      expect(other.status).toMatchObject({ result: "Failed", code: "HO-P105", app: "Up" });
      expect(other.status.advice).toContain("another");
    } finally {
      await inToolbox("cd /store; mv .away/handover.json .away/e2e-places .; rmdir .away");
    }
    expect(await generationOf()).toBe(generation);
  });

  test("brings nothing to a sink that was emptied; when it is back, it gets what it missed", async () => {
    await inToolbox("mkdir /tmp/away; cd /vault; mv handover.json e2e-places /tmp/away");
    const run = await bed.run("no-vault", "chain");
    expect(run.status).toMatchObject({ result: "AtRisk", code: "HO-T502", app: "Up" });
    expect(run.status.advice).toMatch(/App: running.*Data: generation .* is sealed at the source\. Next: kubectl/);
    expect((await inToolbox("ls -A /vault")).trim()).toBe("");
    interface PolicyBody {
      readonly status: { readonly pendingHandovers: number; readonly state: string };
    }
    await bed.until<PolicyBody>("BackupPolicy", "chain", "1 pending", ({ status }) => status.pendingHandovers === 1);
    await inToolbox("cd /tmp/away; mv handover.json e2e-places /vault");
    expect((await bed.run("vault-again", "chain")).status.result).toBe("Complete");
    await bed.until<Task>("BackupRun", "no-vault", "it is Complete", ({ status }) => status.result === "Complete", 60);
    await bed.until<PolicyBody>("BackupPolicy", "chain", "none pending", ({ status }) => status.pendingHandovers === 0);
  });

  test("refuses an empty volume after a full one, until its administrator says that it is meant", async () => {
    const generation = await generationOf();
    await bed.sh("deploy/files", "rm -rf /uploads/*");
    const { status } = await bed.run("empty", "chain");
    expect(status).toMatchObject({ result: "Failed", code: "HO-P107", app: "Up" });
    expect(status.advice).toMatch(/volume uploads is empty.*\. Next: .*kubectl -n e2e-places annotate bpol chain /);
    expect(await generationOf()).toBe(generation);
    await bed.annotate("BackupPolicy", "chain", { "accept-empty": "uploads" });
    expect((await bed.run("empty-meant", "chain")).status).toMatchObject({ result: "Complete", code: "" });
  });

  test("asks a policy of the same name that was made again whose generations these are", async () => {
    await bed.remove("BackupPolicy", "chain");
    await bed.gone("BackupPolicy", "chain", 30);
    await bed.apply(policy("chain", { app: { workloads: [{ kind: "Deployment", name: "files" }] }, databases: [] }));
    const { status } = await bed.run("made-again", "chain");
    expect(status).toMatchObject({ result: "Failed", code: "HO-P106", app: "Up" });
    const [, uid = ""] = /policy with uid (\S+?)[.;]/.exec(status.advice) ?? [];
    const kept = (await inToolbox(`ls /vault/${namespace}/chain/store`)).trim().split("\n");
    await bed.annotate("BackupPolicy", "chain", { "adopt-lineage": uid, "accept-empty": "uploads" });
    expect((await bed.run("adopted", "chain")).status).toMatchObject({ result: "Complete", code: "" });
    const now = (await inToolbox(`ls /vault/${namespace}/chain/store`)).trim().split("\n");
    expect(now.filter((id) => kept.includes(id))).toEqual(kept);
    expect(now).toHaveLength(kept.length + 1);
  });
});
