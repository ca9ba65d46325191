/** The mover with the rights that its pod has: root with six capabilities, or a user without any. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { parseResult, type MoverResult } from "../../operator/contract/result.ts";
import { encodeTask, type MoverTask, type TaskOf } from "../../operator/contract/task.ts";
import { common, preflightTask, sealTask, uploads } from "../support/mover-bed.ts";
import { run } from "../support/odd-files.ts";
import { readFacts } from "../support/tree-facts.ts";

jest.setTimeout(120_000);

let root = "";
let volume = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handover-rights-"));
  for (const directory of ["dev", "store", "v/uploads", "signal", "tmp"])
    mkdirSync(join(root, directory), { recursive: true });
  volume = join(root, "v/uploads");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const sh = (script: string): string => run("sh", ["-ec", script], { cwd: volume });

/** As operator/decide/job-spec.ts gives it. */
const asRoot = ["setpriv", "--bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+mknod,+setfcap"];
const asUser = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];

function step(rights: readonly string[], task: MoverTask, podUID: string = task.step): MoverResult | undefined {
  const [program, ...args] = [...rights, process.execPath, "operator/main.ts", "mover"];
  rmSync(join(root, "dev/termination-log"), { force: true });
  const { stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HANDOVER_ROOT: root,
      HANDOVER_POD_UID: podUID,
      HANDOVER_TASK: encodeTask(task),
    },
  });
  try {
    return parseResult(readFileSync(join(root, "dev/termination-log"), "utf8"));
  } catch {
    throw new Error(`${task.step}: ${stdout}${stderr}`);
  }
}

function must(rights: readonly string[], task: MoverTask, podUID?: string): MoverResult {
  const result = step(rights, task, podUID);
  if (result?.ok !== true) throw new Error(JSON.stringify(result));
  return result;
}

interface BackedUp {
  readonly id: string;
  readonly warnings: readonly string[];
}

function backUp(rights: readonly string[], seq = 1, type: "Full" | "Incremental" = "Full"): BackedUp {
  const of = { seq, type, runUID: `run-${seq}`, podUID: `pod-${seq}` };
  const checked = must(rights, preflightTask(of));
  const base = checked.ok && checked.step === "preflight" ? checked.base : undefined;
  if (base !== undefined && "full" in base) throw new Error(base.full);
  const on = base === undefined ? {} : { base };
  must(rights, { ...common, step: "warm", seq, volumes: [uploads] });
  const task: TaskOf<"archive"> = { ...common, step: "archive", seq, frozen: true, volumes: [uploads], ...on };
  const archived = must(rights, task, of.podUID);
  const sealed = must(rights, sealTask({ ...of, ...on }));
  return {
    id: sealed.ok && sealed.step === "seal" ? sealed.id : "",
    warnings: archived.ok && archived.step === "archive" ? archived.warnings : [],
  };
}

function restore(rights: readonly string[], { id }: BackedUp): void {
  const digest = readFileSync(join(root, "store", common.namespace, common.policy, "handover", id, "manifest.sha256"));
  const parts = { ...common, runUID: "5ca1ab1e-0000-4000-8000-000000000001", databases: [], volumes: [uploads] };
  const manifestSHA256 = digest.toString().slice(0, 64);
  must(rights, { ...parts, step: "stage", id, location: { name: "source" }, manifestSHA256 });
  must(rights, { ...parts, step: "swap" });
  must(rights, { ...parts, step: "cleanup", swapped: true });
}

describe("root with six capabilities", () => {
  test("brings back owners, modes, devices, capabilities of files, ACLs and attributes", () => {
    sh(`printf a > a; chown 4321:1234 a; chmod 4750 a; mkdir -m 0 locked; printf in > locked/in; chmod 0 locked/in; mknod n c 1 3; mkfifo p
      cp /bin/true ping; setcap cap_net_raw+ep ping; setfacl -m u:5:rw,d:u:6:r . ; setfattr -n user.a -v 1 a; chown 77 locked; touch -d @1.5 locked`);
    const before = readFacts(volume);
    restore(asRoot, backUp(asRoot));
    expect(readFacts(volume).entries).toEqual(before.entries);
  });

  test("does without what only the kernel's administrator may set", () => {
    sh("printf a > a; setfattr -n trusted.t -v 1 a; setfattr -n security.ima -v 1 a; setfattr -n user.u -v 1 a");
    restore(asRoot, backUp(asRoot));
    expect(Object.keys(readFacts(volume).entries["a"]?.attributes ?? {})).toEqual(["user.u"]);
  });
});

describe("a user without capabilities", () => {
  const own = (): void => {
    run("chown", [
      "-R",
      "1000:1000",
      join(root, "store"),
      join(root, "v"),
      join(root, "signal"),
      join(root, "dev"),
      join(root, "tmp"),
      root,
    ]);
  };

  test("brings back its files, also from directories that it may not write to", () => {
    sh(`mkdir -p cache/mod/deep plain; printf m > cache/mod/f; printf d > cache/mod/deep/f; printf p > plain/f; chmod 0400 cache/mod/f; ln plain/f plain/g; ln -s f plain/l; mkfifo p
      setfattr -n user.a -v 1 plain/f; setfacl -m u:5:r plain/f; touch -d @7.7 plain/g`);
    own();
    sh("chmod 0555 cache/mod/deep cache/mod cache");
    const before = readFacts(volume);
    const full = backUp(asUser);
    sh(`chmod 0755 cache/mod/deep; rm cache/mod/deep/f; touch cache/mod/deep/new; chmod 0555 cache/mod/deep; chmod 0600 cache/mod/f; printf other > cache/mod/f; chmod 0400 cache/mod/f
      chmod 0755 cache; mkdir cache/later; touch cache/later/f; chmod 0555 cache cache/later; chown -R 1000:1000 cache; rm plain/l`);
    const later = readFacts(volume);
    const increment = backUp(asUser, 2, "Incremental");
    restore(asUser, increment);
    expect(readFacts(volume).entries).toEqual(later.entries);
    restore(asUser, full);
    expect(readFacts(volume).entries).toEqual(before.entries);
  });

  test("tries a file that it may not read once: that is not what a link would come to", () => {
    sh("printf s > secret; chmod 0600 secret");
    own();
    sh("chown 0:0 secret");
    const calls = join(root, "calls");
    const script = `#!/bin/sh\ncase "$*" in *./*) echo call >>'${calls}' ;; esac\nPATH=\${PATH#*:}\nexec rsync "$@"\n`;
    const path = process.env["PATH"] ?? "";
    mkdirSync(join(root, "bin"));
    writeFileSync(join(root, "bin/rsync"), script, { mode: 0o755 });
    process.env["PATH"] = `${join(root, "bin")}:${path}`;
    try {
      must(asUser, preflightTask({ seq: 1, type: "Full", runUID: "run-1", podUID: "pod-1" }));
      rmSync(calls, { force: true });
      const warm = step(asUser, { ...common, step: "warm", seq: 1, volumes: [uploads] });
      expect(warm).toMatchObject({ code: "HO-A401", message: expect.stringMatching(/secret: Permission denied/) });
      expect(readFileSync(calls, "utf8")).toBe("call\n");
    } finally {
      process.env["PATH"] = path;
    }
  });

  test("says what of owners and devices it cannot keep", () => {
    sh("printf a > a; printf b > b; mknod n c 1 3");
    own();
    sh("chown 5:6 b; chown 0:0 n");
    expect(backUp(asUser).warnings).toEqual([expect.stringContaining("device"), expect.stringContaining("owner")]);
  });
});
