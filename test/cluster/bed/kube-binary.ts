/** The one binary of the node: built from the Go modules in `kube/`, kept in the cache. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cached, cacheKey, hashTree } from "./cache.ts";
import { BedError, toolDir } from "./paths.ts";
import { must, run } from "./processes.ts";
import { step } from "./progress.ts";

const source = join(import.meta.dirname, "kube");

/** Flags that tell the binary the versions it is made of: node checks, clients and charts read them. */
export function buildFlags(goMod: string): string[] {
  const kubernetes = /^require k8s\.io\/kubernetes v((\d+)\.(\d+)\.\d+)$/m.exec(goMod);
  const helm = /^require helm\.sh\/helm\/v4 (v\S+)$/m.exec(goMod);
  if (!kubernetes || !helm) throw new Error("go.mod does not require Kubernetes and Helm");
  const values = {
    "k8s.io/component-base/version.gitVersion": `v${kubernetes[1]}`,
    "k8s.io/component-base/version.gitMajor": kubernetes[2],
    "k8s.io/component-base/version.gitMinor": kubernetes[3],
    "helm.sh/helm/v4/internal/version.version": helm[1],
  };
  const set = Object.entries(values).map(([name, value]) => `-X ${name}=${value}`);
  return [...commonFlags, "-ldflags", ["-s", "-w", ...set].join(" ")];
}

/**
 * Nothing is debugged in it, and without inlining the compiler has a third less to do, which on two cores is minutes. The standard
 * library is a twelfth of it all and what the rest stands on: allocator, garbage collector, JSON.
 */
const commonFlags = [
  "-trimpath",
  "-buildvcs=false",
  "-gcflags=all=-dwarf=false -l",
  "-gcflags=std=-dwarf=false", // the last one that matches a package counts
];

/** The compiler's processes are short: collecting their garbage is a fifth of their time. The limit is for each of them. */
const compilerMemory = { GOGC: "off", GOMEMLIMIT: "2500MiB" };

/** A directory with `kube` and `pause`. */
export async function kubeBinaries(): Promise<string> {
  const go = await run("go", ["version"]);
  if (go.code !== 0) {
    throw new BedError(
      "Go is not installed: the bare test cluster is built from Go modules",
      "install Go 1.25 or newer and put it on the PATH, or start a Docker daemon and install kind",
    );
  }
  const flags = buildFlags(readFileSync(join(source, "go.mod"), "utf8"));
  return cached("kube", cacheKey([hashTree(source), go.stdout, ...flags]), 2, (dir) =>
    step("building Kubernetes from Go modules (about 4 minutes, once)", async () => {
      const options = {
        cwd: source,
        env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-mod=readonly", ...compilerMemory },
      };
      await must("go", ["build", ...commonFlags, "-ldflags", "-s -w", "-o", join(dir, "pause"), "./pause"], options);
      await must("go", ["build", ...flags, "-o", join(dir, "kube"), "."], options);
    }),
  );
}

/** `.cluster/bin/kubectl` and `helm`: the ones of the node, so that nothing needs to be installed to follow the README. */
export function linkTools(binaries: string): void {
  mkdirSync(toolDir, { recursive: true });
  for (const tool of ["kubectl", "helm"]) link(join(binaries, "kube"), join(toolDir, tool));
}

/** With kind or an existing cluster: the user's own kubectl and helm, and the ones of the node where they are missing. */
export async function linkInstalledTools(): Promise<void> {
  mkdirSync(toolDir, { recursive: true });
  for (const tool of ["kubectl", "helm"]) {
    const installed = (process.env["PATH"] ?? "")
      .split(":")
      .filter((dir) => dir !== "" && dir !== toolDir)
      .map((dir) => join(dir, tool))
      .find((file) => existsSync(file));
    link(installed ?? join(await kubeBinaries(), "kube"), join(toolDir, tool));
  }
}

function link(target: string, file: string): void {
  rmSync(file, { force: true });
  symlinkSync(target, file);
}
