/** The programs that the bare cluster takes from the machine, and the Debian packages that bring them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BedError } from "./paths.ts";
import { must, run } from "./processes.ts";
import { step } from "./progress.ts";

/** A program (looked up on the PATH) or a file, and its package. */
export type Needs = Readonly<Record<string, string>>;

export const nodeNeeds: Needs = {
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
  iptables: "iptables",
  ipset: "ipset",
  ebtables: "ebtables",
  conntrack: "conntrack",
  ip: "iproute2",
  socat: "socat",
  openssl: "openssl",
  unshare: "util-linux",
  mount: "mount",
};

export const imageNeeds: Needs = {
  buildah: "buildah",
  debootstrap: "debootstrap",
  "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
};

/** System programs lie in directories that the PATH of an unprivileged login lacks. */
export const systemPath = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`;

export function findProgram(name: string): string | undefined {
  if (name.startsWith("/")) return existsSync(name) ? name : undefined;
  return systemPath
    .split(":")
    .filter((dir) => dir !== "")
    .map((dir) => join(dir, name))
    .find((file) => existsSync(file));
}

export function missingPackages(needs: Needs, find: (name: string) => string | undefined): string[] {
  const missing = Object.entries(needs).filter(([name]) => find(name) === undefined);
  return [...new Set(missing.map(([, name]) => name))];
}

/** Installs what is missing. Asks the package registry nothing when everything is there. */
export async function ensurePrograms(needs: Needs): Promise<void> {
  const missing = missingPackages(needs, findProgram);
  if (missing.length === 0) return;
  if (findProgram("apt-get") === undefined) {
    throw new BedError(
      `programs are missing, and this is not a Debian or Ubuntu that could install them`,
      `install what corresponds to the packages ${missing.join(" ")}, or start Docker and use --provider kind`,
    );
  }
  await step(`installing Debian packages: ${missing.join(" ")}`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const wait = ["-o", "DPkg::Lock::Timeout=300"];
    const install = [...wait, "install", "-y", "-qq", "--no-install-recommends", ...missing];
    // The package list may be absent or old: it is fetched only when the first try does not succeed.
    if ((await run("apt-get", install, { env })).code === 0) return;
    await must("apt-get", [...wait, "update", "-qq"], { env });
    await must("apt-get", install, { env });
  });
}
