/** The guard: what gives an app back when nobody else does. */
import type { PlantedBug } from "../bug.ts";

const guardTest = "test/unit/guard.test.ts";

export const guardBugs: readonly PlantedBug[] = [
  {
    id: "guard-not-awaited",
    breaks: "L1",
    what: "a run stops its workloads when the pods of their guards exist",
    file: "operator/decide/workload.ts",
    text: "app.pods.some((pod) => isGuardOf(pod, lease) && isArmed(pod))",
    becomes: "app.pods.some((pod) => isGuardOf(pod, lease) && pod.status !== isArmed)",
    caughtBy: {
      file: "test/unit/decide/workload.test.ts",
      test: ["stopping", "the guard is there, and is not armed: waits, and says why"],
    },
  },
  {
    id: "guard-by-its-pod",
    breaks: "L1",
    what: "a workload is scaled to zero when the pod of its guard exists, whether or not that reaches the API server",
    file: "operator/cluster/observe.ts",
    text: "own.some((pod) => isGuardOf(pod, lease) && isArmed(pod))",
    becomes: "own.some((pod) => isGuardOf(pod, lease) && pod.status !== isArmed)",
    caughtBy: {
      file: "test/unit/cluster/observe.test.ts",
      test: ["the guard of a record whose workload still runs", "whose pod does not reach the API server starts"],
    },
  },
  {
    id: "guard-late",
    breaks: "L1",
    what: "a workload is scaled to zero while its guard still starts",
    file: "operator/decide/record-step.ts",
    text: `  if (guard === "starting") return settle([], guardGlance);
`,
    becomes: "",
    caughtBy: {
      file: "test/unit/decide/record.test.ts",
      test: ["one step for one record", "Stopping, held, its guard was evicted: waits for the next one"],
    },
  },
  {
    id: "guard-fires-in-exchange",
    breaks: "S23",
    what: "for the guard a hold inside an exchange ends by the clock, and the app starts on a mixture",
    file: "operator/guard.ts",
    text: "record === undefined || isExchanging(record)",
    becomes: "record === undefined",
    caughtBy: { file: guardTest, test: ["the guard", "never starts an app whose data is being exchanged"] },
  },
  {
    id: "exchange-ends-by-the-clock",
    breaks: "S23",
    what: "for the controller a hold inside an exchange ends by the clock, and the app starts on a mixture",
    file: "operator/decide/record-step.ts",
    text: "exchanging !== true && (parseInstant(deadline) ?? 0) <= now",
    becomes: "(parseInstant(deadline) ?? 0) <= now",
    caughtBy: {
      file: "test/unit/decide/record.test.ts",
      test: ["one step for one record", "a hold inside an exchange does not end by the clock, only with its holder"],
    },
  },
  {
    id: "guard-first",
    breaks: "S30",
    what: "the guard acts the moment a hold ends, beside the controller",
    file: "operator/guard.ts",
    text: "const grace = 15_000;",
    becomes: "const grace = 0;",
    caughtBy: { file: guardTest, test: ["the guard", "lets the controller go first"] },
  },
  {
    id: "guard-gives-up",
    breaks: "L1",
    what: "one refused request ends the guard",
    file: "operator/guard.ts",
    text: `      log.warn({ err: error }, "the guard will try again");`,
    becomes: `      log.warn({ err: error }, "the guard gives up");
      return;`,
    caughtBy: {
      file: guardTest,
      test: ["the guard", "is not armed before the API server has answered, and goes on through failures"],
    },
  },
  {
    id: "deadline-of-the-intent",
    breaks: "L2",
    what: "the deadline of a record counts from when its guard was asked for, however late it was armed",
    file: "operator/decide/hold-steps.ts",
    text: "(begun ?? Math.max(startedAt + usualWait, now)) + context.budget",
    becomes: "startedAt + usualWait + context.budget",
    caughtBy: {
      file: "test/unit/decide/run-record.test.ts",
      test: ["an app whose guard was slow has its whole budget from the stop on"],
    },
  },
];
