/** Builds stores, lineages and sealed generations of made-up content in throw-away directories, without the steps that really make them. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { formatGenerationId, type GenerationType } from "../../operator/domain/generation.ts";
import type { Manifest } from "../../operator/domain/manifest.ts";
import type { MoverContext } from "../../operator/mover/context.ts";
import { layoutOf, type Layout } from "../../operator/mover/store/layout.ts";

export const owner = { namespace: "shop", policy: "shop", policyUID: "policy-uid" };
export const common = { version: 1, ...owner, run: "shop-1", runUID: "0f1e2d3c-0000-4000-8000-000000000001" } as const;

export interface Bench {
  readonly root: string;
  readonly context: MoverContext;
  readonly source: Layout;
  readonly sink: (name?: string) => Layout;
  /** What the steps have logged, as JSON. */
  readonly logged: string[];
  readonly remove: () => void;
}

/** A source store and sinks with their identities, all below one new directory. */
export function createBench(sinks: readonly string[] = ["vault"], parent = tmpdir()): Bench {
  const root = mkdtempSync(join(parent, "handover-bench-"));
  const logged: string[] = [];
  const log = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    logged.push(JSON.stringify({ message, ...fields }));
  };
  const roots = {
    store: join(root, "store"),
    sink: (name: string) => join(root, "sinks", name),
    volume: (name: string) => join(root, "volumes", name),
    secret: (name: string) => join(root, "secrets", name),
    config: (kind: string, name: string) => join(root, "config", kind.toLowerCase(), name),
    signal: join(root, "signal"),
    scratch: join(root, "scratch"),
  };
  createStore(roots.store, "source-uuid", ["handover"]);
  for (const name of sinks) createStore(roots.sink(name), `${name}-uuid`, []);
  mkdirSync(roots.scratch);
  return {
    root,
    logged,
    context: { roots, podUID: "pod-uid", log: { info: log, warn: log }, abort: new AbortController().signal },
    source: layoutOf(roots.store, owner.namespace, owner.policy),
    sink: (name = "vault") => layoutOf(roots.sink(name), owner.namespace, owner.policy),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function createStore(root: string, uuid: string, extra: readonly string[]): void {
  const layout = layoutOf(root, owner.namespace, owner.policy);
  for (const name of ["staging", "store", "verified", "trash", "damaged", ...extra])
    mkdirSync(join(layout.base, name), { recursive: true });
  writeFileSync(layout.sentinel, JSON.stringify({ format: 1, uuid }));
  writeFileSync(layout.lineage, JSON.stringify({ format: 1, ...owner }));
}

export interface GenerationSpec {
  readonly seq: number;
  readonly type?: GenerationType;
  /** What it is based on, oldest first. */
  readonly chain?: Manifest["chain"];
  /** RFC 3339 UTC. */
  readonly time?: string;
  readonly policyUID?: string;
  /** By relative path; a little of everything by default. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly databases?: Manifest["databases"];
  readonly volumes?: Manifest["volumes"];
}

export const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

export const idOf = (seq: number, type: GenerationType = "Full", time = timeOf(seq)): string =>
  formatGenerationId(seq, time, type);
const timeOf = (seq: number): string => `2026-11-${String(seq).padStart(2, "0")}T01:00:00.000Z`;

/** Writes a whole generation into `handover` or `store` of a lineage. @returns id and digest of the manifest */
export function addGeneration(
  directory: string,
  spec: GenerationSpec,
): { readonly id: string; readonly manifestSHA256: string } {
  const type = spec.type ?? "Full";
  const time = spec.time ?? timeOf(spec.seq);
  const id = idOf(spec.seq, type, time);
  const files = spec.files ?? {
    "databases/shop/dump/toc.dat": `toc ${spec.seq}`,
    "databases/shop/dump/1.dat.gz": Buffer.alloc(300_000, spec.seq),
    "volumes/uploads.tar.zst": Buffer.alloc(2_000_000, `${spec.seq}.`),
  };
  const entries = Object.entries(files)
    .map(([path, content]) => ({ path, size: Buffer.byteLength(content), sha256: sha256(content) }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const manifest: Manifest = {
    format: spec.chain === undefined ? 1 : 2,
    id,
    seq: spec.seq,
    type,
    parent: spec.chain?.at(-1)?.id ?? "",
    chain: spec.chain ?? [],
    consistency: "Quiesced",
    time,
    sealedAt: time,
    lineage: { ...owner, policyUID: spec.policyUID ?? owner.policyUID },
    run: { name: "shop-1", uid: "run-uid" },
    workloads: [],
    tools: {},
    databases: spec.databases ?? [],
    volumes: spec.volumes ?? [],
    totals: { bytes, storedBytes: bytes, files: entries.length, tables: 0 },
    files: entries,
  };
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(directory, id, path)), { recursive: true });
    writeFileSync(join(directory, id, path), content);
  };
  for (const [path, content] of Object.entries(files)) put(path, content);
  put("SHA256SUMS", entries.map(({ path, sha256: digest }) => `${digest}  ${path}\n`).join(""));
  const text = `${JSON.stringify(manifest)}\n`;
  put("manifest.json", text);
  put("manifest.sha256", `${sha256(text)}  manifest.json\n`);
  return { id, manifestSHA256: sha256(text) };
}
