/** The one binary of the node: built from the Go modules in `kube/`, kept in the cache. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cached, cacheKey, hashTree } from "./cache.ts";
import { BedError, toolDir } from "./paths.ts";
import { must, run } from "./processes.ts";
import { step } from "./progress.ts";

const source = join(import.meta.dirname, "kube");

/** Flags that give the binary the version of the Kubernetes it is made of; clients and node checks read it. */
export function buildFlags(goMod: string): string[] {
  const version = /^require k8s\.io\/kubernetes v((\d+)\.(\d+)\.\d+)$/m.exec(goMod);
  if (!version) throw new Error("go.mod does not require k8s.io/kubernetes");
  const set = (name: string, value: string): string => `-X k8s.io/component-base/version.${name}=${value}`;
  const values = [
    set("gitVersion", `v${version[1]}`),
    set("gitMajor", String(version[2])),
    set("gitMinor", String(version[3])),
  ];
  return ["-trimpath", "-buildvcs=false", "-ldflags", ["-s", "-w", ...values].join(" ")];
}

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
        env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-mod=readonly" },
      };
      await must(
        "go",
        ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", join(dir, "pause"), "./pause"],
        options,
      );
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
