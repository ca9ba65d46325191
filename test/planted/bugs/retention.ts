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
    text: "a.seq > b.seq || (a.seq === b.seq && a.id > b.id);",
    becomes: "a.seq < b.seq || (a.seq === b.seq && a.id > b.id);",
    caughtBy: { file: retentionTest, test: ["golden cases", "one-of-three.json"] },
  },
  {
    id: "failures-evict",
    breaks: "S17",
    what: "copies that nobody has verified push verified ones out",
    file: retention,
    text: "other.verified && typeOf(other) === type",
    becomes: "typeOf(other) === type",
    caughtBy: { file: retentionTest, test: ["golden cases", "unverified-do-not-count.json"] },
  },
  {
    id: "dumps-evict-fulls",
    breaks: "S17",
    what: "hourly dumps push the nightly full generation out",
    file: retention,
    text: "other.verified && typeOf(other) === type",
    becomes: 'other.verified && (typeOf(other) === type || type !== "")',
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
    text: "if (newer < rule.minVerified)",
    becomes: "if (newer + 1 < rule.minVerified)",
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
    text: '  if (undelivered.includes(generation.id)) keep.push("a required sink has not verified it");\n',
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
    text: "if (input.unknown !== undefined) {",
    becomes: "if (input.unknown !== undefined && input.generations.length === 0) {",
    caughtBy: { file: retentionTest, test: ["golden cases", "unknown-state.json"] },
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
