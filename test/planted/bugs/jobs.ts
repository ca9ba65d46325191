/** The Jobs that move data, and what is believed of what they say. */
import type { PlantedBug } from "../bug.ts";

const jobSpec = "operator/decide/job-spec.ts";
const jobState = "operator/decide/job-state.ts";
const jobSpecTest = "test/unit/decide/job-spec.test.ts";

export const jobBugs: readonly PlantedBug[] = [
  {
    id: "fs-group-set",
    breaks: "S14",
    what: "the kubelet gives the app's files to the group of our pod",
    file: jobSpec,
    text: '          restartPolicy: "Never",\n',
    becomes: '          restartPolicy: "Never",\n          securityContext: { fsGroup: mover.runAsGroup ?? 0 },\n',
    caughtBy: {
      file: jobSpecTest,
      test: ["the Job of Capture", "sets no owner on the volumes that it mounts"],
    },
  },
  {
    id: "job-deleted-by-time",
    breaks: "L3",
    what: "a finished Job vanishes before its result is on record",
    file: jobSpec,
    text: "      backoffLimit: 0,\n",
    becomes: "      backoffLimit: 0,\n      ttlSecondsAfterFinished: 0,\n",
    caughtBy: {
      file: jobSpecTest,
      test: ["the Job of Seal", "is tried once, stays until it is deleted, and has one pod at a time"],
    },
  },
  {
    id: "second-pod-beside-first",
    breaks: "S13",
    what: "a Job gets its next pod while the last one still writes",
    file: jobSpec,
    text: 'podReplacementPolicy: "Failed"',
    becomes: 'podReplacementPolicy: "TerminatingOrFailed"',
    caughtBy: {
      file: jobSpecTest,
      test: ["the Job of Capture", "is tried once, stays until it is deleted, and has one pod at a time"],
    },
  },
  {
    id: "job-retries-by-itself",
    breaks: "S13",
    what: "a Job tries again under the same attempt",
    file: jobSpec,
    text: "      backoffLimit: 0,\n",
    becomes: "      backoffLimit: 6,\n",
    caughtBy: {
      file: jobSpecTest,
      test: ["the Job of Capture", "is tried once, stays until it is deleted, and has one pod at a time"],
    },
  },
  {
    id: "token-in-mover",
    breaks: "X4",
    what: "a pod that reads hostile data has a token of the API server",
    file: jobSpec,
    text: "automountServiceAccountToken: false",
    becomes: "automountServiceAccountToken: true",
    caughtBy: {
      file: jobSpecTest,
      test: ["the Job of Capture", "has no way to the API server"],
    },
  },
  {
    id: "source-mounted-writable",
    breaks: "S14",
    what: "the warm pass can write into the app's volume",
    file: "operator/decide/run-jobs.ts",
    text: "{ ...store(policy, false), volumes: volumeMounts(captured, true) }",
    becomes: "{ ...store(policy, false), volumes: volumeMounts(captured, false) }",
    caughtBy: { file: jobSpecTest, test: ["what a step may write", "of Warm"] },
  },
  {
    id: "hostile-result-trusted",
    breaks: "X8",
    what: "a result is taken as it comes from the pod",
    file: "operator/contract/result.ts",
    text: "return resultSchema.safeParse(JSON.parse(text)).data;",
    becomes: "return JSON.parse(text);",
    caughtBy: { file: "test/unit/contract/result.test.ts", test: ["a result that is none", "with text for a number"] },
  },
  {
    id: "missing-result-is-success",
    breaks: "S11, S28",
    what: "a container that ended well without a word has done its work",
    file: jobState,
    text: `    if (result?.ok !== true || result.step !== name) return undefined;
    results.push(result);`,
    becomes: `    if (last?.exitCode !== 0) return undefined;
    if (result?.ok === true) results.push(result);`,
    caughtBy: { file: "test/unit/decide/job-state.test.ts", test: ["a Job", "one of two containers without a result"] },
  },
  {
    id: "result-of-another-step",
    breaks: "S13",
    what: "a container may speak for another step",
    file: jobState,
    text: "result?.ok !== true || result.step !== name",
    becomes: "result?.ok !== true",
    caughtBy: {
      file: "test/unit/decide/job-state.test.ts",
      test: ["a Job", "a container that reports for another step"],
    },
  },
  {
    id: "attempt-beside-attempt",
    breaks: "S13",
    what: "the next attempt starts while the Job of the last one ends",
    file: "operator/decide/step.ts",
    text: `      if (state.is === "running" || state.is === "ending") return stay(1_000);
`,
    becomes: "",
    caughtBy: {
      file: "test/unit/decide/step.test.ts",
      test: ["a failed attempt", "is followed by the next only when nothing of it runs any more"],
    },
  },
  {
    id: "capture-again-beside-app",
    breaks: "S9",
    what: "a capture whose Job was deleted begins again although the app is back",
    file: "operator/decide/run-steps.ts",
    text: 'mayRecreate: !(base === "Capture" && (released || context.draft.status.capturePodUID !== undefined)),',
    becomes: 'mayRecreate: base !== "" || !released,',
    caughtBy: {
      file: "test/unit/decide/run-job-lost.test.ts",
      test: ["a capture whose Job is deleted while the app is up again is not begun again"],
    },
  },
  {
    id: "foreign-job-adopted",
    breaks: "S13, X1",
    what: "a Job of somebody else is taken for ours because of its name",
    file: "operator/cluster/act.ts",
    text: 'if (existing !== undefined && isOwnedBy(existing, ownerUID)) return "done";',
    becomes:
      'if (existing?.metadata.ownerReferences?.some(({ uid }) => uid !== "") === true) return "done";\n  void ownerUID;',
    caughtBy: {
      file: "test/unit/cluster/act.test.ts",
      test: ["a Job under our name", "that is of a deleted run of the same name is never taken for ours"],
    },
  },
  {
    id: "one-copy-is-complete",
    breaks: "S28",
    what: "a run calls itself complete when one of the required copies is there",
    file: "operator/decide/run-summary.ts",
    text: "status.copies?.every((copy) => !copy.required || counts(copy, status)) === true",
    becomes: "status.copies?.some((copy) => !copy.required || counts(copy, status)) === true",
    caughtBy: {
      file: "test/unit/decide/run.test.ts",
      test: ["a sink that fails", "and is required leaves a generation at risk, and the others get theirs"],
    },
  },
  {
    id: "stored-is-verified",
    breaks: "S16",
    what: "a copy is called verified when it was transported",
    file: "operator/decide/copies.ts",
    text: 'become("Stored", step);\n      const verify',
    becomes: 'become("Verified", step);\n      const verify',
    caughtBy: {
      file: "test/unit/decide/run.test.ts",
      test: ["a sink that fails", "and does not find the copy at its check leaves it at risk, with a code"],
    },
  },
];
