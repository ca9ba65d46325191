/** The controller's process: configuration, connections, leader election, health, and an orderly end. */
import { EventRecorder } from "./cluster/events.ts";
import { connect, loadKubeConfig } from "./cluster/connection.ts";
import { createClient } from "./cluster/client.ts";
import { createListWatch } from "./cluster/watch.ts";
import { readConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { systemClock } from "./runtime/clock.ts";
import { recentlyActive, startHealth } from "./runtime/health.ts";
import { LeaderElector } from "./runtime/leader.ts";
import { Metrics } from "./runtime/metrics.ts";
import { Operator } from "./runtime/operator.ts";
import { version } from "./version.ts";

/** A watch loop turns every few minutes, whether or not the API server answers; after ten the process is better started anew. */
const silenceLimit = 600_000;

export async function runController(): Promise<void> {
  const read = readConfig(process.env);
  if ("mistakes" in read) {
    process.stderr.write(`the configuration is wrong:\n${read.mistakes.map((mistake) => `  ${mistake}\n`).join("")}`);
    process.exitCode = 2;
    return;
  }
  const { config } = read;
  const log = createLog(config.logLevel);
  for (const name of config.unknownVariables) log.warn({ name }, "an environment variable is not known");
  const clock = systemClock;
  const metrics = new Metrics({ version, process: true });
  const onRequest = (record: Parameters<Metrics["requested"]>[0]): void => metrics.requested(record);
  const kubeConfig = loadKubeConfig(config.kubeconfig);
  const userAgent = `handover/${version}`;
  const connection = connect(kubeConfig, { userAgent });
  // The election has one of its own: it must not inherit a connection that somebody else waits for in vain.
  const electionTimeoutMs = 2_000;
  const electionConnection = connect(kubeConfig, { userAgent, connectTimeoutMs: electionTimeoutMs });

  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort());

  // The kubelet starts a container again when the one before has ended, and not earlier.
  const place = `${config.podName}/${config.podUID ?? process.pid}`;
  const elector = new LeaderElector({
    cluster: createClient(electionConnection, { timeoutMs: electionTimeoutMs, attempts: 1, onRequest }),
    namespace: config.namespace,
    name: config.leaseName,
    identity: `${place}/${Math.floor(clock.now())}`,
    ...(config.podUID === undefined ? {} : { place }),
    clock,
    log,
    onChange: (leading) => metrics.leading(leading),
  });
  const cluster = createClient(connection, {
    onRequest,
    ...(config.leaderElection ? { mayWrite: () => elector.holds() } : {}),
  });
  const events = new EventRecorder({
    cluster,
    instance: config.podName,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    onFailure: (error) => log.warn({ err: error }, "an event could not be written"),
  });
  const scope = config.watchNamespace === undefined ? {} : { namespace: config.watchNamespace };
  const operator = new Operator({
    cluster,
    source: (resource, labels) =>
      createListWatch(connection, resource, { ...scope, ...(labels === undefined ? {} : { labels }), onRequest }),
    events,
    settings: {
      image: config.image,
      imagePullPolicy: config.imagePullPolicy,
      imagePullSecrets: config.imagePullSecrets,
    },
    clock,
    log,
    metrics,
    workers: config.workers,
  });
  const health = await startHealth({
    ...config.http,
    live: [
      ...operator.reflectors.map((reflector) =>
        recentlyActive(clock, `watch ${reflector.name}`, () => reflector.lastTurn, silenceLimit),
      ),
      ...(config.leaderElection ? [recentlyActive(clock, "leader election", () => elector.lastAttempt, 60_000)] : []),
    ],
    ready: operator.reflectors.map((reflector) => ({
      name: `watch ${reflector.name}`,
      problem: () =>
        reflector.hasSynced
          ? undefined
          : "the first list is not complete; are the CRDs installed and the RBAC rules in place?",
    })),
    metrics,
  });
  log.info(
    { version, namespace: config.namespace, watch: config.watchNamespace ?? "all namespaces", port: health.port },
    "started",
  );

  const watching = operator.watch(stop.signal);
  const end = config.leaderElection
    ? await elector.run(stop.signal, (signal) => operator.work(signal))
    : await operator.work(stop.signal).then(() => "released" as const);
  // Not a moment longer than the lease: what is under way was conditional on it, and the next leader goes on.
  if (end === "lost") process.exit(1);
  stop.abort();
  await watching;
  await health.close();
  await Promise.all([connection.close(), electionConnection.close()]);
  log.info({}, "stopped");
}
