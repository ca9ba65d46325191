/** The pods' pause image: one static program, packed into an image archive by hand. */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { cached, cacheKey } from "./cache.ts";
import { pauseImage } from "./components.ts";
import { must } from "./processes.ts";

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Path of an archive as `docker save` writes it. */
export async function pauseArchive(bin: string): Promise<string> {
  const key = cacheKey([basename(bin), basename(dirname(bin)), pauseImage, process.arch]);
  const dir = await cached("pause", key, 2, async (work) => {
    const root = join(work, "root");
    mkdirSync(root);
    copyFileSync(join(bin, "pause"), join(root, "pause"));
    const fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
    await must("tar", [...fixed, "-C", root, "-cf", join(work, "layer.tar"), "pause"]);
    rmSync(root, { recursive: true });
    const layer = sha256(readFileSync(join(work, "layer.tar")));
    const config = JSON.stringify({
      architecture: architectures[process.arch] ?? process.arch,
      os: "linux",
      config: { Entrypoint: ["/pause"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    });
    const configFile = `${sha256(Buffer.from(config))}.json`;
    writeFileSync(join(work, configFile), config);
    const manifest = [{ Config: configFile, RepoTags: [pauseImage], Layers: ["layer.tar"] }];
    writeFileSync(join(work, "manifest.json"), JSON.stringify(manifest));
    await must("tar", [...fixed, "-C", work, "-cf", join(work, "image.tar"), "manifest.json", configFile, "layer.tar"]);
  });
  return join(dir, "image.tar");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
