/** What goes and when a run starts. */
import type { PlantedBug } from "../bug.ts";

const retention = "operator/domain/retention.ts";
const retentionTest = "test/unit/domain/retention.test.ts";
const policyTest = "test/unit/decide/policy.test.ts";

export const retentionBugs: readonly PlantedBug[] = [
  {
    id: "newest-evicted",
    breaks: "S17",
    what: "the oldest stay and the newest go",
    file: retention,
    text: "b.seq - a.seq || (a.id < b.id ? 1 : -1)",
    becomes: "a.seq - b.seq || (a.id < b.id ? 1 : -1)",
    caughtBy: { file: retentionTest, test: ["golden cases", "one-of-three.json"] },
  },
  {
    id: "failures-evict",
    breaks: "S17",
    what: "copies that nobody has verified push verified ones out",
    file: retention,
    text: "members.filter((one) => one.verified);",
    becomes: "members;",
    caughtBy: { file: retentionTest, test: ["golden cases", "unverified-do-not-count.json"] },
  },
  {
    id: "dumps-evict-fulls",
    breaks: "S17",
    what: "hourly dumps push the nightly full generation out",
    file: retention,
    text: "newestFirst.filter((one) => familyIn(one) === family)",
    becomes: 'newestFirst.filter((one) => familyIn(one) === family || family !== "")',
    caughtBy: {
      file: retentionTest,
      test: ["golden cases", "hourly-dumps-do-not-push-out-the-full.json"],
    },
  },
  {
    id: "floor-off-by-one",
    breaks: "S18",
    what: "one less than minVerified stays",
    file: retention,
    text: "(newer < keep.minVerified ? [",
    becomes: "(newer + 1 < keep.minVerified ? [",
    caughtBy: { file: retentionTest, test: ["golden cases", "min-verified-beats-last.json"] },
  },
  {
    id: "half-rounded-up",
    breaks: "S21",
    what: "of three, two may go at once",
    file: retention,
    text: "Math.floor(present / 2)",
    becomes: "Math.ceil(present / 2)",
    caughtBy: {
      file: retentionTest,
      test: ["floors beat every rule", "of three one goes at once, and two only acknowledged"],
    },
  },
  {
    id: "undelivered-goes",
    breaks: "S18",
    what: "the source removes what a required sink does not have",
    file: retention,
    text: "...(undelivered.includes(id) ? [notDelivered] : []),",
    becomes: "",
    caughtBy: {
      file: retentionTest,
      test: ["golden cases", "undelivered-stay-at-the-source.json"],
    },
  },
  {
    id: "prune-on-unknown-state",
    breaks: "S19",
    what: "retention goes on although it is not known what lies there",
    file: retention,
    text: "if (unknown !== undefined) {",
    becomes: "if (unknown !== undefined && input.generations.length === 0) {",
    caughtBy: { file: retentionTest, test: ["golden cases", "unknown-state.json"] },
  },
  {
    id: "base-goes",
    breaks: "S17",
    what: "what a kept generation is based on is removed",
    file: retention,
    text: "for (const base of chain) {",
    becomes: "for (const base of chain.slice(0, 0)) {",
    caughtBy: { file: "test/unit/domain/retention-rules.test.ts", test: ["chains", "a base says whose, by number"] },
  },
  {
    id: "held-goes",
    breaks: "S18",
    what: "a hold keeps nothing",
    file: retention,
    text: "hold.id === id && isInForce(hold, now)",
    becomes: "hold.id === id && !isInForce(hold, now)",
    caughtBy: {
      file: "test/unit/domain/retention-rules.test.ts",
      test: ["holds", "keep until their end, with their reason"],
    },
  },
  {
    id: "clock-behind-believed",
    breaks: "S19",
    what: "a clock that is far behind goes on pruning",
    file: retention,
    text: "> now + clockTolerance",
    becomes: "> Infinity + clockTolerance",
    caughtBy: {
      file: "test/unit/mover-sink/trash.test.ts",
      test: [
        "what is removed",
        "on a clock that is behind its newest generation nothing goes, out of the trash neither",
      ],
    },
  },
  {
    id: "acts-before-record",
    breaks: "S21",
    what: "a prune removes although its plan is not on record",
    file: "operator/mover/steps/prune.ts",
    text: "!== task.approved",
    becomes: "=== task.approved",
    caughtBy: {
      file: "test/unit/mover-sink/prune-plan.test.ts",
      test: ["two rounds", "the first tells what would go and why, and removes nothing"],
    },
  },
  {
    id: "any-acknowledgement",
    breaks: "S21",
    what: "an acknowledgement of one plan is one of every plan",
    file: "operator/mover/store/plans.ts",
    text: "digests.some((start) => digest.startsWith(start))",
    becomes: "digests.some((start) => digest.length > start.length)",
    caughtBy: {
      file: "test/unit/mover-sink/prune-plan.test.ts",
      test: ["more than half", "another digest acknowledges nothing"],
    },
  },
  {
    id: "clock-shortens-the-grace",
    breaks: "S20",
    what: "a clock that was set back makes the time in the trash shorter",
    file: "operator/mover/retention/removals.ts",
    text: "return known.reduce((a, b) => Math.max(a, b), now);",
    becomes: "return known.reduce((a) => a, now);",
    caughtBy: {
      file: "test/unit/mover-sink/trash.test.ts",
      test: ["what is removed", "stays longer when the clock was set back, after the removal or before it"],
    },
  },
  {
    id: "default-keeps-one",
    breaks: "S18",
    what: "a policy that says nothing of retention keeps one generation at a sink",
    file: "crds/backuppolicies.yaml",
    text: `                          default: 2
                          description: Floor that no rule undercuts, in verified generations. 2 by default.
                mover:`,
    becomes: `                          default: 1
                          description: Floor that no rule undercuts, in verified generations. 2 by default.
                mover:`,
    caughtBy: {
      file: "test/unit/crds.test.ts",
      test: ["crds/backuppolicies", "every default is the one that its description names"],
    },
  },
  {
    id: "slots-in-utc",
    breaks: "S32",
    what: "the time zone of a schedule is ignored",
    file: "operator/domain/schedule.ts",
    text: "timezone: timeZone, mode",
    becomes: 'timezone: timeZone === "" ? timeZone : "UTC", mode',
    caughtBy: { file: policyTest, test: ["a slot", "is in its time zone"] },
  },
  {
    id: "every-missed-slot",
    breaks: "S32",
    what: "after a long silence each missed slot is made up for, from the oldest on",
    file: "operator/decide/slots.ts",
    text: "const slot = latestSlot(schedule, Math.max(parseInstant(since) ?? now, lastSlot), now);",
    becomes: `const first = nextSlot(schedule, Math.max(parseInstant(since) ?? now, lastSlot));
  const slot = first === undefined || first > now ? latestSlot(schedule, now, now) : first;`,
    caughtBy: { file: policyTest, test: ["a slot", "that was missed is caught up, and of several only the newest"] },
  },
  {
    id: "doubled-hour-runs-twice",
    breaks: "S32",
    what: "an hour that the clocks repeat has its slots twice, as a plain cron daemon does it",
    file: "operator/domain/schedule.ts",
    text: "  return parse(schedule).nextRun(new Date(after))?.getTime();",
    becomes: `  const minute = 60_000;
  const first = Math.floor(after / minute) * minute + minute;
  for (let at = first; at < first + 1_440 * minute; at += minute)
    if (parse(schedule).match(new Date(at))) return at;
  return parse(schedule).nextRun(new Date(after))?.getTime();`,
    caughtBy: { file: "test/unit/domain/schedule.test.ts", test: ["when clocks change", "Santiago, 23:30 is doubled"] },
  },
  {
    id: "new-schedule-catches-up",
    breaks: "S32",
    what: "a schedule that was just made starts what it would have done before",
    file: "operator/decide/slots.ts",
    text: "const since = known?.since ?? formatInstant(now);",
    becomes: "const since = known?.since ?? policy.metadata.creationTimestamp ?? formatInstant(now);",
    caughtBy: {
      file: "test/unit/decide/policy.test.ts",
      test: ["a schedule that is new or was changed does not catch up the past", "new"],
    },
  },
  {
    id: "slot-started-twice",
    breaks: "S32",
    what: "a slot is started again when its run was deleted",
    file: "operator/decide/slots.ts",
    text: `const lastSlot = [known?.lastSlot ?? "", ...slots]`,
    becomes: "const lastSlot = [...slots]",
    caughtBy: { file: policyTest, test: ["a slot", "is not started again after its run was deleted"] },
  },
];
