/** The quiesce record: what an app that is down depends on. */
import type { PlantedBug } from "../bug.ts";

const recordTest = "test/unit/decide/record.test.ts";
const madeTest = "test/unit/decide/record-made.test.ts";
const one = "one step for one record";

export const quiesceBugs: readonly PlantedBug[] = [
  {
    id: "original-read-again",
    breaks: "S2",
    what: "the app gets back the count that it shows, not the one on record",
    file: "operator/decide/record-step.ts",
    text: "scale(record, workload, record.original)",
    becomes: "scale(record, workload, Math.max(1, workload.spec.replicas ?? 1))",
    caughtBy: { file: recordTest, test: [one, "Restoring, at zero: the original"] },
  },
  {
    id: "joined-count-read-again",
    breaks: "S2",
    what: "a run that joins a hold remembers the zero that it sees",
    file: "operator/decide/workload.ts",
    text: ": { held: { ...item, replicas: original,",
    becomes: ": { held: { ...item, replicas: item.replicas,",
    caughtBy: {
      file: "test/unit/decide/workload.test.ts",
      test: ["stopping", "whoever joins a hold remembers the count on record, not the zero that is there"],
    },
  },
  {
    id: "record-owned-by-run",
    breaks: "S6, L1",
    what: "the record is deleted together with its run",
    file: "operator/decide/record.ts",
    text: 'ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid }],',
    becomes:
      'ownerReferences: record.holders.map((owner) => ({ apiVersion: "backup.handover.dev/v1alpha1", kind: owner.kind, name: owner.name, uid: owner.uid })),',
    caughtBy: {
      file: madeTest,
      test: ["how a record comes to be", "it holds the replicas that are there, and belongs to the workload"],
    },
  },
  {
    id: "scale-by-latest-version",
    breaks: "S4",
    what: "a scale carries the version of the moment, not of the decision, and overwrites a foreign one",
    file: "operator/cluster/act.ts",
    text: "await cluster.scale(action.resource, namespace, action.name, action.replicas, action.resourceVersion),",
    becomes: `await cluster.scale(
          action.resource,
          namespace,
          action.name,
          action.replicas,
          (await cluster.getScale(action.resource, namespace, action.name))?.metadata.resourceVersion ?? "",
        ),`,
    caughtBy: {
      file: "test/unit/cluster/act.test.ts",
      test: ["scale carries what was observed, and asks for nothing else"],
    },
  },
  {
    id: "delete-without-uid",
    breaks: "S4, S13",
    what: "a delete names no uid, and hits whatever has the name by then",
    file: "operator/cluster/client.ts",
    text: 'propagationPolicy: "Background", preconditions };',
    becomes: 'propagationPolicy: "Background" };',
    caughtBy: {
      file: "test/unit/cluster/client-writes.test.ts",
      test: ["writes", "what each write looks like on the wire"],
    },
  },
  {
    id: "record-deleted-at-any-version",
    breaks: "S6",
    what: "a record is deleted although somebody has joined it since",
    file: "operator/cluster/act.ts",
    text: `          uid: action.uid,
          resourceVersion: action.resourceVersion,
`,
    becomes: `          uid: action.uid,
`,
    caughtBy: {
      file: "test/unit/cluster/act.test.ts",
      test: ["deleteRecord carries what was observed, and asks for nothing else"],
    },
  },
  {
    id: "record-deleted-before-read-back",
    breaks: "S6",
    what: "the record goes in the pass that scales up, whether or not that arrives",
    file: "operator/decide/record-step.ts",
    text: "settle([toOriginal(record, workload)], readBack)",
    becomes: "settle([toOriginal(record, workload), remove(lease)], readBack)",
    caughtBy: { file: recordTest, test: [one, "Restoring, at zero: the original"] },
  },
  {
    id: "foreign-count-overwritten",
    breaks: "S4",
    what: "the count that somebody else has set is put back to ours",
    file: "operator/decide/record-step.ts",
    text: "  if (replicas === 0) {\n    // Nothing is scaled",
    becomes: "  if (replicas !== record.original) {\n    // Nothing is scaled",
    caughtBy: { file: recordTest, test: [one, "Restoring, but somebody set another number: it stands"] },
  },
  {
    id: "parked-app-held",
    breaks: "S5",
    what: "an app that a person has parked gets a record, as if it had run",
    file: "operator/decide/workload.ts",
    text: `    if (replicas === 0) return undefined;
`,
    becomes: "",
    caughtBy: { file: madeTest, test: ["how a record comes to be", "an app found at zero gets none"] },
  },
  {
    id: "parked-before-the-stop",
    breaks: "S5",
    what: "an app that a person has parked while its guard was waited for is started when the hold ends",
    file: "operator/decide/record-step.ts",
    text: `    if (record.state === "Intent") return settle([remove(lease)]);
`,
    becomes: "",
    caughtBy: {
      file: recordTest,
      test: [one, "Intent, nobody holds it, at zero: a person has parked it, and it stays so"],
    },
  },
  {
    id: "late-scaling-forgotten",
    breaks: "S1",
    what: "the record goes while a scaling may still be under way whose answer was lost",
    file: "operator/decide/record-step.ts",
    text: `  if (record.state === "Stopping" && replicas === record.original) return awaitLateScaling(lease, record, now);
`,
    becomes: "",
    caughtBy: {
      file: recordTest,
      test: [one, "Stopping, nobody holds it, not scaled: it may come late, so the record stays"],
    },
  },
  {
    id: "parked-after-the-guard",
    breaks: "S5",
    what: "an app that a person has parked after its guard gave it back is started by the run that comes too late",
    file: "operator/decide/giving-back.ts",
    text: `  workload.spec.replicas === 0 &&
  (workload.metadata.generation ?? 0) <= (item.downGeneration ?? Number.NaN) + 1;`,
    becomes: "  workload.spec.replicas === 0;",
    caughtBy: {
      file: "test/unit/decide/giving-back.test.ts",
      test: [
        "giving back",
        "stopped by us, its record deleted, the workload given back by its guard, and parked by a person since",
      ],
    },
  },
  {
    id: "recreated-workload-scaled",
    breaks: "S3",
    what: "a new workload of the old name is taken for the one on record",
    file: "operator/cluster/observe.ts",
    text: "workload: workload?.metadata.uid === record.target.uid ? workload : undefined,",
    becomes: "workload,",
    caughtBy: {
      file: "test/unit/cluster/observe.test.ts",
      test: ["the workload of a record", "is gone when another one has its name"],
    },
  },
  {
    id: "holder-by-name",
    breaks: "L1",
    what: "a new run of the old name keeps the hold of the deleted one alive",
    file: "operator/cluster/observe.ts",
    text: '.map((holder) => holder?.metadata.uid ?? "");',
    becomes: '.map((holder) => record.holders.find(({ name }) => name === holder?.metadata.name)?.uid ?? "");',
    caughtBy: {
      file: "test/unit/cluster/observe.test.ts",
      test: ["a holder of a record", "whose name another one has by now holds nothing"],
    },
  },
  {
    id: "unreadable-deadline-holds",
    breaks: "L1",
    what: "a hold whose deadline cannot be read lasts for ever",
    file: "operator/decide/record-step.ts",
    text: "exchanging !== true && (parseInstant(deadline) ?? 0) <= now",
    becomes: "exchanging !== true && (parseInstant(deadline) ?? Infinity) <= now",
    caughtBy: { file: recordTest, test: [one, "a holder whose deadline cannot be read is dropped"] },
  },
  {
    id: "terminating-pod-is-gone",
    breaks: "S9",
    what: "a pod that is being deleted counts as ended, also on a node that does not answer",
    file: "operator/decide/app.ts",
    text: "podsOf(...of).filter((pod) => !isTerminated(pod));",
    becomes: "podsOf(...of).filter((pod) => !isTerminated(pod) && pod.metadata.deletionTimestamp === undefined);",
    caughtBy: {
      file: "test/unit/decide/workload-pods.test.ts",
      test: ["pods of a workload", "a pod on a node that does not answer still runs"],
    },
  },
  {
    id: "quiesce-loss-ignored",
    breaks: "S10",
    what: "what was captured beside the running app is sealed",
    file: "operator/decide/run-steps.ts",
    text: `  if (started !== undefined) {
    abort(step, context, "HO-S209", started);
    return true;
  }
`,
    becomes: "",
    caughtBy: {
      file: "test/unit/decide/run-interference.test.ts",
      test: ["an app that something starts during the capture", "by another pod at its claim"],
    },
  },
  {
    id: "restart-unnoticed",
    breaks: "S10",
    what: "an app that was started and stopped again during the capture goes unnoticed",
    file: "operator/decide/workload.ts",
    text: "return record === undefined ? undefined : `${item.kind}",
    becomes: "return record === undefined || replicas === 0 ? undefined : `${item.kind}",
    caughtBy: {
      file: "test/unit/decide/run-interference.test.ts",
      test: ["an app that something starts during the capture", "by its replicas and back to zero again"],
    },
  },
  {
    id: "give-back-waits-for-packing",
    breaks: "L5",
    what: "the app stays down until everything is packed",
    file: "operator/decide/run-steps.ts",
    text: `    draft.status.times?.releasedAt !== undefined ||
    isOver(draft.steps.get("Capture")) ||`,
    becomes: `    isOver(draft.steps.get("Capture")) ||`,
    caughtBy: {
      file: "test/unit/decide/run.test.ts",
      test: [
        "a run that goes well",
        "gives the app back when the source is released, while the dump and the packing go on",
      ],
    },
  },
  {
    id: "claims-deleted-by-scaling",
    breaks: "S8",
    what: "a StatefulSet that deletes its claims when scaled down is scaled down",
    file: "operator/decide/stop-checks.ts",
    text: `whenScaled === "Delete"`,
    becomes: `whenScaled === "Remove"`,
    caughtBy: {
      file: "test/unit/decide/checks.test.ts",
      test: ["a run or restore is refused before anything is stopped", "a StatefulSet that deletes its claims"],
    },
  },
  {
    id: "hold-without-finalizer",
    breaks: "L4",
    what: "a run stops the app before its deletion can be noticed",
    file: "operator/decide/run-steps.ts",
    text: 'return context.hasFinalizer && stateOf(context, "Preflight") === "Done"',
    becomes: 'return stateOf(context, "Preflight") === "Done"',
    caughtBy: {
      file: "test/unit/decide/run-interference.test.ts",
      test: ["nothing is stopped for a run that could go without giving back"],
    },
  },
  {
    id: "deletion-ignored",
    breaks: "L4",
    what: "a run that was deleted goes on, and stops the app",
    file: "operator/decide/run.ts",
    text: "    run.metadata.deletionTimestamp !== undefined || run.metadata.annotations?.[annotations.cancel]",
    becomes: "    run.metadata.annotations?.[annotations.cancel]",
    caughtBy: {
      file: "test/unit/decide/run-interference.test.ts",
      test: ["deleted", "before the app was stopped, it is not stopped any more"],
    },
  },
];
