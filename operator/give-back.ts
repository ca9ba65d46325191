/**
 * Gives back every app that a quiesce record still holds, then ends. For the moment when the controller goes for good: the
 * chart runs it before an uninstall, and a person may. It treats every holder as gone, so nothing stays at zero.
 */
import { type Lease, type Workload, leases } from "./api/kinds.ts";
import { labels } from "./api/names.ts";
import { createClient } from "./cluster/client.ts";
import { connect, loadKubeConfig } from "./cluster/connection.ts";
import { act } from "./cluster/act.ts";
import { decideRecord, parseRecord, workloadResource } from "./decide/record.ts";
import { readConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { sleep, systemClock } from "./runtime/clock.ts";
import { version } from "./version.ts";

/** Between two looks at records that are being worked on. */
const glance = 200;
const patience = 240_000;

export async function giveBackAll(): Promise<void> {
  const read = readConfig(process.env);
  if ("mistakes" in read) throw new Error(read.mistakes.join("; "));
  const { config } = read;
  const log = createLog(config.logLevel);
  const clock = systemClock;
  const connection = connect(loadKubeConfig(config.kubeconfig), { userAgent: `handover-give-back/${version}` });
  const cluster = createClient(connection);
  const scope = config.watchNamespace === undefined ? {} : { namespace: config.watchNamespace };
  const until = clock.monotonic() + patience;

  for (;;) {
    const records = await cluster.list<Lease>(leases, { ...scope, labels: `${labels.record}=true` });
    if (records.length === 0) break;
    for (const lease of records) {
      const record = parseRecord(lease);
      const { namespace } = lease.metadata;
      const workload =
        record === undefined
          ? undefined
          : await cluster.get<Workload>(workloadResource(record.target.kind), namespace, record.target.name);
      const own = workload?.metadata.uid === record?.target.uid ? workload : undefined;
      const { actions, events } = decideRecord({ lease, workload: own, liveHolders: new Set() }, clock.now());
      for (const event of events)
        log.info({ namespace, record: lease.metadata.name, reason: event.reason }, event.message);
      for (const action of actions) await act(cluster, leases, lease, action);
    }
    if (clock.monotonic() > until)
      throw new Error(
        `${records.length} apps could not be given back; see: kubectl get leases -A -l ${labels.record}=true`,
      );
    await sleep(clock, glance);
  }
  log.info({}, "no app is held");
  await connection.close();
}
