/** What incremental generations are based on, as the controller sees it; and which of several due slots starts. */
import type { PlantedBug } from "../bug.ts";

const runJobs = "operator/decide/run-jobs.ts";
const runResults = "operator/decide/run-results.ts";
const slots = "operator/decide/slots.ts";
const baseTest = "test/unit/decide/base.test.ts";
const slotsTest = "test/unit/decide/slots.test.ts";
const followTest = "test/processes/chains-follow.test.ts";
const followTitle = "the seal refuses an increment that does not follow from its base, and names the path";
const chainTest = "test/unit/decide/copies-chain.test.ts";

export const baseBugs: readonly PlantedBug[] = [
  {
    id: "base-taken-on-trust",
    breaks: "X8",
    what: "a preflight that says nothing of the base of an incremental run makes a full one, and nobody is told",
    file: runResults,
    text: "if (trouble !== undefined) draft",
    becomes: "if (trouble !== undefined && preflight.base !== undefined) draft",
    caughtBy: {
      file: baseTest,
      test: [
        "what the preflight says of the base is judged before anything is stopped",
        "nothing: the run fails, and the app is never touched",
      ],
    },
  },
  {
    id: "base-kept-from-archive",
    breaks: "S11",
    what: "everything is packed, and sealed as what differs",
    file: runJobs,
    text: "seq, volumes, frozen, ...based }",
    becomes: "seq, volumes, frozen }",
    caughtBy: {
      file: baseTest,
      test: ["a run that finds what it can be based on", "Incremental: its movers get it, and the generation names it"],
    },
  },
  {
    id: "sealed-as-asked",
    breaks: "S28",
    what: "a full generation that was made in place of an incremental one is called incremental",
    file: runJobs,
    text: "        type: madeType(run),\n",
    becomes: "        type: run.spec.type,\n",
    caughtBy: {
      file: baseTest,
      test: [
        "a run that has nothing to be based on",
        "makes a full one, and says so in the status, in the message and once as an event",
      ],
    },
  },
  {
    id: "any-seal-will-do",
    breaks: "X8",
    what: "a seal may name a generation that is not of this run",
    file: runResults,
    text: "if (seal.id !== asked)",
    becomes: 'if (seal.id === "")',
    caughtBy: {
      file: baseTest,
      test: ["a seal that reports another generation than it was asked for is a failure"],
    },
  },
  {
    id: "full-in-silence",
    breaks: "S28",
    what: "who has asked for an incremental generation is not told that it is a full one",
    file: "operator/decide/run-summary.ts",
    text: "clip([said, tellFull({ spec: run.spec, status })]",
    becomes: "clip([said]",
    caughtBy: {
      file: baseTest,
      test: [
        "a run that has nothing to be based on",
        "makes a full one, and says so in the status, in the message and once as an event",
      ],
    },
  },
  {
    id: "unchanged-since-anything",
    breaks: "X8",
    what: "a run of the configuration is complete because of a generation that does not hold it",
    file: runResults,
    text: 'if (typeOf(unchanged) !== "Config") {',
    becomes: 'if (typeOf(unchanged) === "Database") {',
    caughtBy: {
      file: "test/unit/decide/config-run.test.ts",
      test: ["a run of the configuration", "is a failure when what has not changed is 000001-20261120T010000Z-full"],
    },
  },
  {
    id: "damaged-is-unchanged",
    breaks: "S28",
    what: "a run of the configuration is complete because of a generation that is damaged",
    file: "operator/mover/config/newest.ts",
    text: "  if (difference !== undefined) return undefined;\n",
    becomes: "",
    caughtBy: {
      file: "test/processes/config-volumes.test.ts",
      test: ["a generation with a volume of class Config", "is made when the newest one is damaged"],
    },
  },
  {
    id: "second-pass-left-out",
    breaks: "S28",
    what: "what is edited while the first pass goes over a configuration volume is not in its generation",
    file: "operator/mover/config/volumes.ts",
    text: "passes.push(await coldMirror(job, false));",
    becomes: "",
    caughtBy: {
      file: "test/processes/config-running.test.ts",
      test: ["what is edited while the first pass goes over the volume is in it"],
    },
  },
  {
    id: "whole-secret-mounted",
    breaks: "X4",
    what: "the pod that captures two keys of a Secret sees all of them",
    file: "operator/decide/job-spec.ts",
    text: "                items: keys.map((key) => ({ key, path: key })),\n",
    becomes: "                ...(keys.length === 0 ? { items: [] } : {}),\n",
    caughtBy: {
      file: "test/unit/decide/config-run.test.ts",
      test: [
        "a run of the configuration",
        "its pod has what the policy names, read-only, and no other secret, volume or database",
      ],
    },
  },
  {
    id: "broken-chain-still-counts",
    breaks: "S28",
    what: "a copy goes on to count although what it is based on was found damaged",
    file: "operator/decide/copies.ts",
    text: "(verify?.sequences?.since ?? Infinity) <= seq",
    becomes: "(verify?.sequences?.since ?? Infinity) < 0 * seq",
    caughtBy: {
      file: chainTest,
      test: [
        "a later check that does not find it among the whole chains",
        "makes the run at risk, with a code and an event: there are only older ones",
      ],
    },
  },
  {
    id: "last-good-that-is-not",
    breaks: "S28",
    what: "the newest complete generation is one whose run is not complete any more",
    file: "operator/decide/protection.ts",
    text: " && !isLost(known, runs)",
    becomes: " && (runs.length === 0 || !isLost(known, []))",
    caughtBy: {
      file: "test/unit/decide/protection.test.ts",
      test: [
        "the newest complete generation",
        "is not remembered when its run says that its copies do not count any more",
      ],
    },
  },
  {
    id: "older-state-will-do",
    breaks: "S32",
    what: "a slot is left out because of a generation of before",
    file: slots,
    text: " && time >= slot && ",
    becomes: " && time >= 0 * slot && ",
    caughtBy: { file: slotsTest, test: ["a slot is needed", "when what a person has made is older"] },
  },
  {
    id: "dump-left-out",
    breaks: "S32",
    what: "a dump is left out because a full generation has the databases",
    file: slots,
    text: "  if (!holdsVolumes(schedule.type)) return undefined;\n",
    becomes: "  if (!holdsVolumes(schedule.type) && seen.runs.length === 0) return undefined;\n",
    caughtBy: {
      file: slotsTest,
      test: ["of slots of one minute", "a full one makes the others unnecessary, but not a dump"],
    },
  },
  {
    id: "in-the-order-of-the-policy",
    breaks: "S32",
    what: "an incremental run stops the app a minute before a full one does",
    file: slots,
    text: "        ranks[a.schedule.type] - ranks[b.schedule.type] ||\n",
    becomes: "",
    caughtBy: {
      file: slotsTest,
      test: ["of slots of one minute", "a full one makes the others unnecessary, but not a dump"],
    },
  },
  {
    id: "gone-name-kept",
    breaks: "S11",
    what: "a name that is gone is not deleted by an increment, and its seal calls it verified",
    file: "operator/mover/store/recheck-chain.ts",
    text: "if (before !== undefined && !isRemoved) this",
    becomes: "if (before !== undefined && entry !== undefined && !isRemoved) this",
    caughtBy: { file: followTest, test: [followTitle, "what is gone is not deleted"] },
  },
  {
    id: "any-holder-will-do",
    breaks: "S11",
    what: "a list that looks for content in another generation than the one that has it is sealed",
    file: "operator/mover/store/recheck-chain.ts",
    text: "const known = before?.holder ?? this.#baseId;",
    becomes: "const known = holder;",
    caughtBy: { file: followTest, test: [followTitle, "the wrong holder"] },
  },
];
