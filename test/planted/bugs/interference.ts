/** What people, and whatever runs in the app's namespace, may do to a store, a record, a pod or a server. */
import type { PlantedBug } from "../bug.ts";

const links = "test/unit/mover-sink/links.test.ts";
const givingBack = "test/unit/decide/giving-back.test.ts";
const guard = "test/unit/guard.test.ts";

export const interferenceBugs: readonly PlantedBug[] = [
  {
    id: "trash-follows-links",
    breaks: "S20",
    what: "a day in the trash that is a link is emptied, wherever it leads",
    file: "operator/mover/store/trash.ts",
    text: "entry.isDirectory() && startOf",
    becomes: "startOf",
    caughtBy: {
      file: links,
      test: ["a day in the trash that is a link to the generations: they stay, and so does the link"],
    },
  },
  {
    id: "link-for-a-directory",
    breaks: "S12, S20",
    what: "a store is written and pruned through links",
    file: "operator/mover/store/durable.ts",
    text: "if (found !== undefined && !found.isDirectory())",
    becomes: "if (found?.isFIFO() === true)",
    caughtBy: { file: links, test: ["store that is a link is refused"] },
  },
  {
    id: "pipe-for-a-manifest",
    breaks: "L1",
    what: "a pipe in the place of a manifest is waited for",
    file: "operator/mover/store/listing.ts",
    text: "if (!found.isFile()) return",
    becomes: "if (found.isDirectory()) return",
    caughtBy: { file: links, test: ["a generation that is a link, and one whose manifest is a pipe, are none"] },
  },
  {
    id: "spoilt-record",
    breaks: "S1",
    what: "an app stays down because somebody has spoilt its quiesce record",
    file: "operator/decide/giving-back.ts",
    text: "if (isDamaged(broken) && isLeftAtZero(",
    becomes: "if (!isDamaged(broken) && isLeftAtZero(",
    caughtBy: {
      file: givingBack,
      test: ["a record that somebody has spoilt is written anew, over the very one that was seen"],
    },
  },
  {
    id: "edited-in-the-freeze",
    breaks: "S1",
    what: "an app whose record was deleted and whose workload was edited in the freeze passes for parked",
    file: "operator/decide/giving-back.ts",
    text: "<= (item.downGeneration ?? Number.NaN) + 1;",
    becomes: "<= (item.downGeneration ?? Number.NaN);",
    caughtBy: {
      file: givingBack,
      test: [
        "giving back",
        "stopped by us, its record deleted, the workload still at zero, with another change of its spec",
      ],
    },
  },
  {
    id: "made-anew-is-ready",
    breaks: "S29",
    what: "a workload that somebody has made anew in the freeze, at zero, passes for ready",
    file: "operator/decide/giving-back.ts",
    text: "if (isMadeAtZero(item, workload)) return",
    becomes: "if (isMadeAtZero(item, workload) && item.replicas < 0) return",
    caughtBy: {
      file: givingBack,
      test: ["ready", "one that was made anew while it was stopped has our zero, and is not"],
    },
  },
  {
    id: "leaving-pod-is-ready",
    breaks: "S29",
    what: "a StatefulSet is called ready because of the pod that is on its way out",
    file: "operator/decide/giving-back.ts",
    text: 'item.kind === "StatefulSet" && app.pods.some(',
    becomes: 'item.kind !== "StatefulSet" && app.pods.some(',
    caughtBy: { file: givingBack, test: ["ready", "a StatefulSet whose only pod is on its way out is not"] },
  },
  {
    id: "guard-believes-the-wall-clock",
    breaks: "S1",
    what: "a clock that is set back keeps an app down without the operator",
    file: "operator/guard.ts",
    text: "ends.get(deadline) ?? Infinity",
    becomes: "Infinity",
    caughtBy: { file: guard, test: ["the guard", "is not kept by a clock that is set back meanwhile"] },
  },
  {
    id: "guard-needs-its-record",
    breaks: "S1",
    what: "a record that may not be written any more keeps an app down without the operator",
    file: "operator/guard.ts",
    text: 'action.do === "updateRecord" && isRefused(error)',
    becomes: 'action.do === "updateRecord" && !isRefused(error)',
    caughtBy: {
      file: guard,
      test: ["the guard", "gives the app back when the record may not be written any more: 403"],
    },
  },
  {
    id: "labels-are-enough",
    breaks: "S13, S16",
    what: "a pod with copied labels speaks for a Job",
    file: "operator/decide/job-state.ts",
    text: "isOwnedBy(pod, job.metadata.uid)",
    becomes: "pod.metadata.labels?.[jobNameLabel] === name",
    caughtBy: { file: "test/unit/decide/job-state.test.ts", test: ["a Job", "a pod with copied labels says nothing"] },
  },
  {
    id: "password-in-clear-text",
    breaks: "X2",
    what: "who takes the place of a database server is given the password",
    file: "operator/mover/database/connection.ts",
    text: "proved ? new Client(config) : new CarefulClient(config)",
    becomes: "proved ? new Client(config) : new Client(config)",
    caughtBy: {
      file: "test/unit/mover/credentials.test.ts",
      test: ["a server that asks for the password in clear text", "does not get it"],
    },
  },
  {
    id: "former-policy-protects",
    breaks: "S29",
    what: "a policy that was made anew is called protected by what it can neither write to nor restore",
    file: "operator/decide/protection.ts",
    text: "all.filter(isOf(policy))",
    becomes: "all.filter(() => true)",
    caughtBy: {
      file: "test/unit/decide/protection.test.ts",
      test: [
        "a policy that was made anew",
        "has none of the generations of the former one, and says how to take them over",
      ],
    },
  },
  {
    id: "vanished-copy-counts",
    breaks: "S16",
    what: "a run is complete although the source does not find the copy at the sink",
    file: "operator/decide/copies.ts",
    text: 'if (step.name === "Prune/source") withdraw(step);',
    becomes: 'if (step.name === "Prune/elsewhere") withdraw(step);',
    caughtBy: {
      file: "test/unit/decide/copies-lacking.test.ts",
      test: ["what it does not find is missing, whatever was said before"],
    },
  },
];
