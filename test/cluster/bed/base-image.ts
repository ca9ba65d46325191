/** Base images: pulled where a registry can be reached, else a stand-in of the same name made from Debian's packages. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { apart, buildah, imageId, policyFile, tryBuildah, workDir } from "./buildah.ts";
import { debianSuite, fullName } from "./dockerfile.ts";
import { BedError } from "./paths.ts";
import { must } from "./processes.ts";
import { say, step } from "./progress.ts";

/** Makes sure that the store has the image, and says its id. To be called `withStore`. */
export async function ensureBase(image: string): Promise<string> {
  const name = fullName(image);
  const have = await imageId(name);
  if (have !== undefined) return have;
  const pull = ["pull", "--quiet", "--signature-policy", policyFile(), name];
  const pulled = await step(`pulling ${image}`, () => tryBuildah(pull, { timeoutMs: 120_000 }));
  if (pulled.code !== 0) await standIn(image, name, pulled.stderr);
  const made = await imageId(name);
  if (made === undefined) throw new Error(`image ${name} is not in the store after it was made`);
  return made;
}

async function standIn(image: string, name: string, why: string): Promise<void> {
  const suite = debianSuite(image);
  if (suite === undefined) {
    throw new BedError(
      `${image} cannot be pulled, and only Debian's own images can be made here: ${why.trim().split("\n").at(-1) ?? ""}`,
      "use a base image debian:SUITE-slim, or make the registry reachable",
    );
  }
  say(`${image} cannot be pulled: making a stand-in of the same name from Debian's packages`);
  await step(`debootstrap ${suite} (about half a minute, once)`, () => bootstrap(suite, name));
}

async function bootstrap(suite: string, name: string): Promise<void> {
  const work = mkdtempSync(join(workDir(), "base-"));
  try {
    const root = join(work, "root");
    await must(apart.file, [
      ...apart.args,
      "debootstrap",
      "--variant=minbase",
      "--include=ca-certificates",
      suite,
      root,
      mirror(),
      script(suite),
    ]);
    const archive = join(work, "root.tar");
    // What Debian's slim images leave out, and what must not be the same in every container.
    const without = [
      "usr/share/doc",
      "usr/share/man",
      "usr/share/info",
      "usr/share/locale",
      "var/cache/apt",
      "var/lib/apt/lists",
    ];
    const excludes = [
      ...without.map((dir) => `--exclude=./${dir}/*`),
      "--exclude=./var/log/*.log",
      "--exclude=./dev/*",
    ];
    await must("tar", ["-C", root, ...excludes, "--numeric-owner", "-cf", archive, "."]);
    const container = (await buildah(["from", "scratch"])).trim();
    try {
      await buildah(["add", "--quiet", container, archive, "/"]);
      await buildah([
        "config",
        "--cmd",
        '["bash"]',
        "--env",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        container,
      ]);
      await buildah(["commit", "--quiet", "--signature-policy", policyFile(), container, name]);
    } finally {
      await tryBuildah(["rm", container]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Suites younger than this machine's debootstrap are made with the script of unstable. */
function script(suite: string): string {
  const scripts = "/usr/share/debootstrap/scripts";
  return existsSync(join(scripts, suite)) ? join(scripts, suite) : join(scripts, "sid");
}

/** The mirror that this machine itself uses. */
function mirror(): string {
  const dir = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...(existsSync(dir) ? readdirSync(dir).map((file) => join(dir, file)) : [])];
  const text = files
    .filter((file) => /\.(?:list|sources)$/.test(file) && existsSync(file))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  const found = debianMirror(text);
  if (found === undefined) throw new BedError("no Debian mirror in this machine's apt sources", "add one in /etc/apt");
  return found;
}

/** The first address in apt sources, of either format, that ends in `/debian`. */
export function debianMirror(sources: string): string | undefined {
  return sources
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"))
    .flatMap((line) => line.split(/\s+/))
    .find((word) => /^https?:\/\/\S+\/debian\/?$/.test(word));
}
