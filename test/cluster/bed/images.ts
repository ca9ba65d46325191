/** Builds an image from a Dockerfile into an archive in the cache: once per state of everything it is made of. */
import { globSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { ensureBase } from "./base-image.ts";
import { aptSettings, buildah, imageId, policyFile, tryBuildah, withStore, workDir } from "./buildah.ts";
import { cached, cacheKey, hashTree, isCached } from "./cache.ts";
import { fullName, parseDockerfile } from "./dockerfile.ts";
import { ensurePrograms, imageNeeds } from "./packages.ts";
import { BedError } from "./paths.ts";
import { must } from "./processes.ts";
import { step } from "./progress.ts";
import { dockerAnswers } from "./provider.ts";

export interface ImageOptions {
  readonly dockerfile: string;
  readonly context: string;
  readonly tag: string;
  /** `KEY=VALUE` each. */
  readonly buildArgs: readonly string[];
}

/** Path of the archive, as `docker save` writes it. */
export async function buildImage(options: ImageOptions): Promise<string> {
  const { dockerfile, context, tag, buildArgs } = options;
  const name = fullName(tag);
  const text = readText(dockerfile);
  const args = Object.fromEntries(
    buildArgs.map((arg) => [arg.split("=", 1)[0] ?? "", arg.slice(arg.indexOf("=") + 1)]),
  );
  const { bases, sources } = parseDockerfile(text, args);
  const docker = await dockerAnswers();
  if (!docker) await ensurePrograms(imageNeeds);
  const kind = `image-${basename(tag).replaceAll(/\W/g, "-")}`;
  const keyWith = (baseIds: readonly string[]): string =>
    cacheKey([name, text, ...buildArgs, docker ? "docker" : "buildah", ...baseIds, ...hashSources(context, sources)]);
  const build = (baseIds: readonly string[]): Promise<string> =>
    cached(kind, keyWith(baseIds), 2, (work) =>
      step(`building image ${tag}`, () =>
        (docker ? byDocker : byBuildah)({ ...options, tag: name }, join(work, "image.tar")),
      ),
    );
  if (docker) return join(await build([]), "image.tar");
  // Nothing to do is found out without waiting for another image's build.
  const known = (await Promise.all(bases.map((base) => imageId(fullName(base))))).filter((id) => id !== undefined);
  if (known.length === bases.length && isCached(kind, keyWith(known))) return join(await build(known), "image.tar");
  return withStore(async () => {
    const ids: string[] = [];
    for (const base of bases) ids.push(await ensureBase(base));
    return join(await build(ids), "image.tar");
  });
}

async function byDocker({ dockerfile, context, tag, buildArgs }: ImageOptions, archive: string): Promise<void> {
  const args = buildArgs.flatMap((arg) => ["--build-arg", arg]);
  await must("docker", ["build", "--quiet", "--file", dockerfile, "--tag", tag, ...args, context]);
  await must("docker", ["save", "--output", archive, tag]);
}

async function byBuildah({ dockerfile, context, tag, buildArgs }: ImageOptions, archive: string): Promise<void> {
  const args = buildArgs.flatMap((arg) => ["--build-arg", arg]);
  const apt = ["--volume", `${await aptSettings()}:/etc/apt/apt.conf.d:ro`];
  // --layers: a change of the program does not install the packages anew.
  const how = ["--isolation", "chroot", "--layers", "--pull-never", "--signature-policy", policyFile(), ...apt];
  const log = join(workDir(), `build-${basename(tag).replaceAll(/\W/g, "-")}.log`);
  await buildah(["bud", ...how, ...args, "--file", dockerfile, "--tag", tag, context], { logFile: log });
  await buildah(["push", "--quiet", "--signature-policy", policyFile(), tag, `docker-archive:${archive}:${tag}`]);
  await tryBuildah(["rmi", "--prune"]); // what earlier builds of the same tag left
}

function hashSources(context: string, sources: readonly string[]): string[] {
  return sources.flatMap((source) => {
    const files = globSync(join(context, source)).toSorted();
    if (files.length === 0) {
      throw new BedError(
        `the Dockerfile copies ${source}, which is not in ${context}`,
        "build it first: see the head of the Dockerfile",
      );
    }
    return files.flatMap((file) => [relative(context, file), hashTree(file)]);
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new BedError(`no Dockerfile ${file}`, "give its path with --dockerfile");
  }
}
