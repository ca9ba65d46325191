/** What the demo, the cluster tests and the bench stand on: a cluster, the two images in it, the chart installed, the demo application. */
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildImage } from "../test/cluster/bed/images.ts";
import { parseAllDocuments, visit } from "yaml";
import { must, run } from "../test/cluster/bed/processes.ts";
import { step } from "../test/cluster/bed/progress.ts";
import { type Api, type Body, connect } from "../test/support/api.ts";

const root = join(import.meta.dirname, "..");
const bed = join(root, "test/cluster/bed/cli.ts");
const tools = join(root, ".cluster/bin");
const demo = join(root, "manifests/demo/image");

export const operatorImage = "handover/handover:dev";
export const demoImage = "handover/demo:dev";
export const operatorNamespace = "handover-system";

export interface Stage {
  readonly name: string;
  readonly kubeconfig: string;
  readonly api: Api;
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  readonly helm: (...args: readonly string[]) => Promise<string>;
  /** Standard input for kubectl, such as a manifest. */
  readonly apply: (manifest: string) => Promise<void>;
}

const bedRun = async (...args: readonly string[]): Promise<void> => {
  // Its progress goes to the terminal of this process; its own messages say what to do when it fails.
  const result = await run(process.execPath, [bed, ...args], { logFile: "/dev/stderr" });
  if (result.code !== 0) throw new Error(`${args[0]} of the test cluster failed, see above`);
};

export const clusterDown = (name: string): Promise<void> => bedRun("down", "--name", name);

/**
 * A cluster with the operator's and the demo's image in it. Brings an existing one up to date. On a new machine the cluster's
 * binary is compiled while the images are built.
 */
export async function clusterUp(name: string, kubeconfig: string): Promise<Stage> {
  await Promise.all([bedRun("up", "--name", name, "--kubeconfig", kubeconfig), buildImages()]);
  await Promise.all([image(operatorImage, root, "--cluster", name), image(demoImage, demo, "--cluster", name)]);
  return openStage(name, kubeconfig);
}

const image = (tag: string, context: string, ...options: readonly string[]): Promise<void> =>
  bedRun("image", "--dockerfile", join(context, "Dockerfile"), "--context", context, "--tag", tag, ...options);

async function buildImages(): Promise<void> {
  await step("bundling the program", () => must("npm", ["run", "--silent", "bundle"], { cwd: root }));
  await image(operatorImage, root);
  await image(demoImage, demo);
}

/** Runs `clean` when somebody ends this process before its time. */
export function cleanOnSignal(clean: () => Promise<void>): void {
  let cleaning: Promise<void> | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    // Some send it twice, to the process and to its group: the second must not end what the first has begun.
    process.on(signal, () => {
      cleaning ??= clean().finally(() => process.exit(130));
    });
}

/** A cluster that is there already. */
export function openStage(name: string, kubeconfig: string): Stage {
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${tools}:${process.env["PATH"] ?? ""}` };
  const tool =
    (program: string) =>
    async (...args: readonly string[]): Promise<string> =>
      must(join(tools, program), args, { env });
  return {
    name,
    kubeconfig,
    api: connect(kubeconfig),
    kubectl: tool("kubectl"),
    helm: tool("helm"),
    apply: async (input) => void (await must(join(tools, "kubectl"), ["apply", "-f", "-"], { env, input })),
  };
}

/** Megabytes of the operator's image, uncompressed. The build is in the cache by then. */
export async function imageMegabytes(): Promise<number> {
  const archive = await buildImage({
    dockerfile: join(root, "Dockerfile"),
    context: root,
    tag: operatorImage,
    buildArgs: [],
  });
  return statSync(archive).size / 1e6;
}

export async function installChart(stage: Stage, ...values: readonly string[]): Promise<void> {
  const [repository = "", tag = ""] = operatorImage.split(":");
  const set = [`image.repository=${repository}`, `image.tag=${tag}`, ...values].flatMap((value) => ["--set", value]);
  await stage.helm(
    "upgrade",
    "--install",
    "handover",
    join(root, "charts/handover"),
    "--namespace",
    operatorNamespace,
    "--create-namespace",
    "--wait",
    "--timeout",
    "3m",
    ...set,
  );
}

/** How much the wiki holds: bytes in 10^6, small files in shelves of some 4,000. */
export interface Uploads {
  readonly megabytes: number;
  readonly shelves: number;
}

export async function installDemo(stage: Stage, namespace = "demo", uploads?: Uploads): Promise<void> {
  for (const file of ["namespace", "backup", "database", "wiki"]) {
    const documents = parseAllDocuments(await readText(join(root, `manifests/demo/${file}.yaml`)));
    for (const document of documents) {
      const place = document.get("kind") === "Namespace" ? "name" : "namespace";
      document.setIn(["metadata", place], namespace);
      if (uploads !== undefined) {
        const variables = new Map([
          ["UPLOADS_MB", uploads.megabytes],
          ["UPLOADS_SHELVES", uploads.shelves],
        ]);
        visit(document, {
          Map: (_, map) => {
            const value = variables.get(String(map.get("name")));
            if (value !== undefined) map.set("value", String(value));
          },
        });
      }
    }
    await stage.apply(documents.map(String).join("---\n"));
  }
  await stage.kubectl("-n", namespace, "rollout", "status", "statefulset/wiki-db", "--timeout=5m");
  await stage.kubectl("-n", namespace, "rollout", "status", "deployment/wiki", "--timeout=10m");
}

export const demoPolicy = async (namespace = "demo"): Promise<string> =>
  (await readText(join(root, "manifests/demo/policy.yaml"))).replaceAll("namespace: demo", `namespace: ${namespace}`);

const readText = (file: string): Promise<string> => readFile(file, "utf8");

/** Resident memory of the controller, from its own metrics. */
export async function operatorMiB(stage: Stage): Promise<number> {
  const pods = `/api/v1/namespaces/${operatorNamespace}/pods`;
  const { body } = await stage.api.call("GET", `${pods}?labelSelector=app.kubernetes.io%2Fname%3Dhandover`);
  const [pod] = body["items"] as readonly { readonly metadata: { readonly name: string } }[];
  const metrics = await stage.api.text(`${pods}/${pod?.metadata.name}:8080/proxy/metrics`);
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics.body)?.[1]) / 2 ** 20;
}

/** A page of the wiki, through the API server. @returns undefined when the wiki does not answer. */
export async function page(stage: Stage, path: string, namespace = "demo"): Promise<string | undefined> {
  const answer = await stage.api.text(`/api/v1/namespaces/${namespace}/services/wiki:http/proxy${path}`);
  return answer.status === 200 ? answer.body : undefined;
}

/** Waits for a condition of an object, not for a time. @throws when the object is Finished without it, or after `minutes`. */
export async function waitFor<T extends Body>(
  stage: Stage,
  path: string,
  what: string,
  done: (object: T) => boolean,
  minutes = 15,
): Promise<T> {
  const until = performance.now() + minutes * 60_000;
  for (;;) {
    const { status, body } = await stage.api.call("GET", path);
    if (status === 200 && done(body as T)) return body as T;
    if (performance.now() > until)
      throw new Error(`${what} did not happen within ${minutes} minutes: ${JSON.stringify(body).slice(0, 2000)}`);
    await new Promise((wake) => setTimeout(wake, 250));
  }
}

export const hasCondition = (body: Body, type: string): boolean =>
  body.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
