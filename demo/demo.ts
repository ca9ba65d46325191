/**
 * `make demo`: the main job, seen as a user sees it. A cluster, an application with its database and files, a policy; then runs
 * that stop it for a moment, copies that are verified, old ones that go; then data destroyed and brought back.
 */
import { join } from "node:path";
import { say, step } from "../test/cluster/bed/progress.ts";
import { type Figure, printFigures, writeFigures } from "./figures.ts";
import { finishedRestore, finishedRun, peakMiB, restartFloor, secondsBetween, startRun } from "./runs.ts";
import {
  type Stage,
  clusterDown,
  clusterUp,
  demoPolicy,
  installChart,
  imageMegabytes,
  installDemo,
  operatorMiB,
  page,
} from "./stage.ts";
import { mainPage, watchApp } from "./watch-app.ts";

const name = "handover-demo";
const kubeconfig = join(import.meta.dirname, "..", ".cluster", "kubeconfig");
const usage = `usage: node demo/demo.ts up | down

  up     everything from nothing to a restored application; leaves the cluster running
  down   removes the cluster
`;

const title = (text: string): void => say(`\n== ${text}`);

/** Shows a command and what it prints, as a user would see it. */
async function show(stage: Stage, ...args: readonly string[]): Promise<void> {
  say(`$ kubectl ${args.map((arg) => (/[\s;|<>(]/.test(arg) ? `'${arg}'` : arg)).join(" ")}`);
  say((await stage.kubectl(...args)).trimEnd());
}

const asPostgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"];
const inDatabase = (stage: Stage, sql: string): Promise<string> =>
  stage.kubectl("-n", "demo", "exec", "wiki-db-0", "--", ...asPostgres, "psql", "-X", "wiki", "-Atc", sql);
const countPages = async (stage: Stage): Promise<number> =>
  Number(await inDatabase(stage, "select count(*) from mediawiki.page"));
const countFiles = async (stage: Stage): Promise<number> =>
  Number(
    await stage.kubectl(
      "-n",
      "demo",
      "exec",
      "deploy/wiki",
      "--",
      "sh",
      "-c",
      "find /uploads -type f -not -path '*/.handover*' | wc -l",
    ),
  );

async function firstRun(stage: Stage, command: string): Promise<readonly Figure[]> {
  const begin = Date.now();
  const clock = (at: number): string => `${((at - begin) / 1000).toFixed(1).padStart(5)} s`;
  const watch = watchApp(stage, (answers, at) => say(`  ${clock(at)}  the wiki ${answers ? "answers" : "REFUSES"}`));
  await startRun(stage, "wiki-first", { policyName: "wiki", type: "Full" });
  const run = await finishedRun(stage, "wiki-first");
  await watch.stop();
  const { times, generation, steps } = run.status;
  for (const { name: of, startedAt, finishedAt, message } of steps) {
    say(
      `  ${of.padEnd(16)} ${startedAt === undefined ? "" : secondsBetween(startedAt, finishedAt).toFixed(1).padStart(5)} s  ${message ?? ""}`,
    );
  }
  if (run.status.result !== "Complete" || generation === undefined)
    throw new Error(`the run is ${run.status.result}: ${run.status.advice}`);
  const transport = steps.flatMap((one) => one.result?.of ?? []).find((result) => result["step"] === "transport");
  return [
    { name: "demo.freeze_seconds", value: secondsBetween(times?.goneAt, times?.releasedAt), unit: "s", command },
    { name: "demo.downtime_seconds", value: secondsBetween(times?.stopAt, times?.readyAt), unit: "s", command },
    { name: "demo.state_mb", value: generation.bytes / 1e6, unit: "MB", command },
    { name: "demo.stored_mb", value: generation.storedBytes / 1e6, unit: "MB", command },
    {
      name: "demo.transport_mb_per_second",
      value: Number(transport?.["bytes"]) / 1e6 / Number(transport?.["seconds"]),
      unit: "MB/s",
      command,
    },
    { name: "mover.peak_mib", value: peakMiB(run), unit: "MiB", command },
  ];
}

/** Reads the newest copy at the sink with nothing but plain tools, in a pod that Handover has nothing to do with. */
async function inspectSink(stage: Stage): Promise<void> {
  await stage.kubectl("-n", "demo", "delete", "pod", "inspect", "--ignore-not-found", "--wait");
  const script = `cd /vault/demo/wiki/store && ls -1 && cd "$(ls | tail -n 1)" && ls -l && sha256sum -c manifest.sha256 && sha256sum -c --quiet SHA256SUMS && echo "every checksum is right" && pg_restore --list databases/wiki/dump | grep -c 'TABLE DATA' | sed 's/$/ tables in the dump/' && zstd -dcq volumes/uploads.tar.zst | tar -t | wc -l | sed 's/$/ entries in the archive/'`;
  await stage.apply(
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "inspect", namespace: "demo" },
      spec: {
        restartPolicy: "Never",
        automountServiceAccountToken: false,
        containers: [
          {
            name: "inspect",
            image: "handover/handover:dev",
            imagePullPolicy: "IfNotPresent",
            command: ["sh", "-c", script],
            env: [{ name: "PATH", value: "/usr/lib/postgresql/18/bin:/usr/sbin:/usr/bin:/sbin:/bin" }],
            securityContext: { runAsUser: 0 },
            volumeMounts: [{ name: "vault", mountPath: "/vault", readOnly: true }],
          },
        ],
        volumes: [{ name: "vault", persistentVolumeClaim: { claimName: "vault" } }],
      },
    }),
  );
  await stage.kubectl("-n", "demo", "wait", "pod/inspect", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=2m");
  say((await stage.kubectl("-n", "demo", "logs", "inspect")).trimEnd());
}

async function destroyAndRestore(stage: Stage): Promise<Figure> {
  const before = { pages: await countPages(stage), files: await countFiles(stage) };
  say(`  before: ${before.pages} pages, ${before.files} files`);
  await inDatabase(stage, "drop table mediawiki.page cascade");
  await stage.kubectl("-n", "demo", "exec", "deploy/wiki", "--", "sh", "-c", "rm -rf /uploads/*");
  say(
    `  destroyed: the wiki ${(await page(stage, mainPage)) === undefined ? "REFUSES" : "answers"}, ${await countFiles(stage)} files are left`,
  );
  const request = {
    apiVersion: "backup.handover.dev/v1alpha1",
    kind: "RestoreRequest",
    metadata: { name: "bring-back", namespace: "demo" },
    spec: { policyName: "wiki", from: { latest: true, location: "vault" } },
  };
  await stage.apply(JSON.stringify(request));
  const done = await finishedRestore(stage, "bring-back");
  await show(stage, "-n", "demo", "get", "restorerequests");
  if (done.status.result !== "Complete") throw new Error(`the restore is ${done.status.result}: ${done.status.advice}`);
  const after = { pages: await countPages(stage), files: await countFiles(stage) };
  say(
    `  after: ${after.pages} pages, ${after.files} files; the wiki ${(await page(stage, mainPage)) === undefined ? "REFUSES" : "answers"}`,
  );
  if (after.pages !== before.pages || after.files !== before.files || (await page(stage, mainPage)) === undefined)
    throw new Error("the restore did not bring everything back");
  return {
    name: "demo.restore_downtime_seconds",
    value: secondsBetween(done.status.times?.stopAt, done.status.times?.readyAt),
    unit: "s",
    command: "make demo",
  };
}

async function up(): Promise<void> {
  const command = "make demo";
  const begin = performance.now();
  title("A cluster, the images");
  const stage = await clusterUp(name, kubeconfig);
  title("The operator, the application");
  await stage.kubectl("delete", "namespace", "demo", "--ignore-not-found", "--wait");
  await step("installing the chart", () => installChart(stage));
  await step("starting the application: MediaWiki, PostgreSQL, a volume of files", () => installDemo(stage));
  // What the images left unwritten would otherwise be written during the measurements.
  await stage.kubectl("-n", "demo", "exec", "wiki-db-0", "--", "sync");

  title("A policy");
  await stage.apply(await demoPolicy());
  await show(stage, "-n", "demo", "get", "backuppolicies");
  title("The first run: stop, capture, start, hand over, transport, verify, prune");
  const figures = [...(await firstRun(stage, command))];
  title("What a user sees");
  await show(stage, "-n", "demo", "get", "backupruns");
  await show(
    stage,
    "-n",
    "demo",
    "get",
    "events",
    "--field-selector",
    "involvedObject.kind=BackupRun",
    "--sort-by=.lastTimestamp",
    "-o",
    "custom-columns=REASON:.reason,MESSAGE:.message",
  );
  title("More runs: of the states of the app and of the dumps each, the source keeps 1 generation and the sink 2");
  for (const [run, type] of [
    ["wiki-database", "Database"],
    ["wiki-second", "Incremental"],
    ["wiki-third", "Full"],
  ] as const) {
    await startRun(stage, run, { policyName: "wiki", type });
    await finishedRun(stage, run);
  }
  await show(stage, "-n", "demo", "get", "backupruns");
  await show(stage, "-n", "demo", "get", "backuppolicies");
  title("The sink, read with plain tools");
  await inspectSink(stage);
  title("Data destroyed on purpose, and brought back");
  figures.push(await destroyAndRestore(stage));
  title("Figures");
  const floor = await restartFloor(stage);
  const downtime = figures.find((figure) => figure.name === "demo.downtime_seconds")?.value ?? 0;
  figures.push(
    { name: "demo.restart_seconds", value: floor, unit: "s", command },
    { name: "demo.downtime_overhead_seconds", value: downtime - floor, unit: "s", command },
  );
  figures.push({ name: "image.mb", value: await imageMegabytes(), unit: "MB", command });
  figures.push({ name: "operator.rss_mib", value: await operatorMiB(stage), unit: "MiB", command });
  figures.push({ name: "demo.seconds", value: (performance.now() - begin) / 1000, unit: "s", command });
  writeFigures(figures);
  say(printFigures(figures));
  say(
    `\nThe cluster goes on: export KUBECONFIG=${kubeconfig} PATH=${join(import.meta.dirname, "../.cluster/bin")}:$PATH\nMore to try: kubectl -n demo describe brun wiki-third; kubectl explain backuppolicy.spec\nRemove it with: make demo-down`,
  );
  await stage.api.close();
}

const [verb] = process.argv.slice(2);
if (verb === "up") await up();
else if (verb === "down") await clusterDown(name);
else {
  process.stderr.write(usage);
  process.exitCode = verb === "--help" ? 0 : 2;
}
