/** What a policy says of its pruning, and of a time zone in which nothing can be counted. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy, BackupRun, PolicyStatus, RunStatus } from "../../../operator/api/kinds.ts";
import { decidePolicy } from "../../../operator/decide/policy.ts";
import { aPolicy, aRun, at, sink } from "../../support/builders.ts";
import { findBrokenRule } from "../../simulator/status-rules.ts";

type PlanRecord = NonNullable<RunStatus["retention"]>[number];

const digestOf = (letter: string): string => letter.repeat(64);
const plan = (location: string, state: PlanRecord["state"], letter?: string, removes = 0): PlanRecord => ({
  location,
  state,
  removes,
  ...(letter === undefined ? {} : { digest: digestOf(letter) }),
});
const ran = (day: number, ...retention: readonly PlanRecord[]): BackupRun =>
  aRun(`run-${day}`)
    .created(`2026-11-0${day}T01:00:00Z`)
    .finished("Complete", `00000${day}-2026110${day}T010000Z-full`, { retention: [...retention] })
    .build();
const failedRun = aRun("run-9").created("2026-11-09T01:00:00Z").finished("Failed").build();
const judge = (runs: readonly BackupRun[], policy: BackupPolicy = aPolicy().build()): PolicyStatus => {
  const { status } = decidePolicy({ policy, runs, restores: [], takenNames: new Set() }, at("12:00"));
  expect(findBrokenRule(status)).toBeUndefined();
  return status;
};
const conditionIn = (status: PolicyStatus, type: string): string => {
  const { status: is, reason, message } = status.conditions!.find((one) => one.type === type)!;
  return `${is} ${reason}: ${message}`;
};
const annotated = (acknowledged: string): BackupPolicy => {
  const policy = aPolicy().build();
  const annotations = { "backup.handover.dev/acknowledge-prune": acknowledged };
  return { ...policy, metadata: { ...policy.metadata, annotations } };
};
const command = "Next: kubectl -n shop annotate bpol shop backup.handover.dev/acknowledge-prune";

describe("the condition Pruning", () => {
  test.each<[string, readonly BackupRun[], string]>([
    ["nothing yet", [], "Unknown Pending: nothing was pruned yet"],
    ["a run that never came so far", [ran(1)], "Unknown Pending: nothing was pruned yet"],
    ["carried out", [ran(1, plan("source", "Done"), plan("vault", "Done", "a", 3))], "True Done: "],
    ["on its way", [ran(1, plan("source", "Planned", "a", 3))], "True Done: "],
    [
      "one place waits",
      [ran(1, plan("source", "Done"), plan("vault", "Waiting", "a", 5))],
      `False PruneRefused: an acknowledgement is waited for. vault: 5 generations would go at once, plan aaaaaaaaaaaa. ${command}=aaaaaaaaaaaa --overwrite`,
    ],
    [
      "two places wait, one of them for one",
      [ran(1, plan("source", "Waiting", "b", 1), plan("vault", "Waiting", "a", 5))],
      `False PruneRefused: an acknowledgement is waited for. source: 1 generation would go at once, plan bbbbbbbbbbbb; vault: 5 generations would go at once, plan aaaaaaaaaaaa. ${command}=bbbbbbbbbbbb,aaaaaaaaaaaa --overwrite`,
    ],
    [
      "a doubt",
      [ran(1, plan("source", "Refused"), plan("vault", "Refused"))],
      "False PruneFrozen: nothing is removed at source, vault. Next: kubectl -n shop describe bpol shop",
    ],
    [
      "the newest of each place counts, whichever run it is of",
      [ran(3), ran(1, plan("vault", "Waiting", "a", 5), plan("source", "Done")), ran(2, plan("vault", "Done"))],
      "True Done: ",
    ],
    [
      "a sink that the policy has no more",
      [ran(1, plan("attic", "Waiting", "a", 5), plan("vault", "Done"))],
      "True Done: ",
    ],
  ])("%s", (_, runs, says) => {
    expect(conditionIn(judge(runs), "Pruning")).toBe(says);
  });

  const waiting = [ran(1, plan("source", "Waiting", "b", 1), plan("vault", "Waiting", "a", 5))];
  test("an acknowledgement of one plan leaves the other, and the command names both", () => {
    expect(conditionIn(judge(waiting, annotated("a".repeat(12))), "Pruning")).toBe(
      `False PruneRefused: an acknowledgement is waited for. source: 1 generation would go at once, plan bbbbbbbbbbbb. ${command}=bbbbbbbbbbbb,aaaaaaaaaaaa --overwrite`,
    );
  });

  test("when all are acknowledged the next run is waited for; another word acknowledges nothing", () => {
    expect(conditionIn(judge(waiting, annotated(`${"a".repeat(12)}, ${"b".repeat(64)}`)), "Pruning")).toBe(
      "False Acknowledged: the next run prunes at source, vault as it was acknowledged",
    );
    expect(conditionIn(judge(waiting, annotated("true")), "Pruning")).toContain("False PruneRefused");
    expect(conditionIn(judge(waiting, annotated("aaa")), "Pruning")).toContain("False PruneRefused");
  });

  test("MESSAGE says that it waits, and what to type, before that all is well and after what is not", () => {
    const says = `a prune waits for an acknowledgement: ${command.slice("Next: ".length)}=bbbbbbbbbbbb,aaaaaaaaaaaa --overwrite`;
    const told = judge(waiting).display?.message;
    expect(told?.startsWith(`${says}; generation 000001-`)).toBe(true);
    expect(judge([...waiting, failedRun]).display?.message).toMatch(
      /^run-9: .*; a prune waits for an acknowledgement: kubectl /,
    );
    expect(judge(waiting, annotated(`${"a".repeat(12)}, ${"b".repeat(64)}`)).display?.message).not.toContain("waits");
  });

  test.each(["true", "aaa", "c".repeat(12), `c${"a".repeat(12)}`])(
    "an acknowledgement %s that matches no plan is said to",
    (text) => {
      const says = `acknowledge-prune=${text} matches no plan that waits`;
      const status = judge(waiting, annotated(`${"a".repeat(12)},${text}`));
      expect(conditionIn(status, "Pruning")).toContain(`; ${says}. Next: `);
      expect(status.display?.message).toContain(`${says}; a prune waits`);
      expect(conditionIn(judge(waiting, annotated("a".repeat(12))), "Pruning")).not.toContain("matches");
    },
  );

  test("the beginning of a digest acknowledges, and no other part of it", () => {
    const digest = `${"a".repeat(52)}${"b".repeat(12)}`;
    const runs = [ran(1, { ...plan("vault", "Waiting", "a", 5), digest })];
    expect(conditionIn(judge(runs, annotated(digest.slice(0, 12))), "Pruning")).toContain("False Acknowledged");
    expect(conditionIn(judge(runs, annotated(digest.slice(52))), "Pruning")).toContain("False PruneRefused");
  });
});

test("a policy that an older release has made, without a time zone, has no trouble with it", () => {
  const policy = aPolicy().build();
  const { timeZone: _timeZone, ...retention } = policy.spec.retention;
  const old = { ...policy, spec: { ...policy.spec, retention: retention as typeof policy.spec.retention } };
  expect(conditionIn(judge([], old), "Ready")).not.toContain("UnknownTimeZone");
});

test("a time zone that nobody knows stalls the policy, and its schedules go on", () => {
  const { retention } = aPolicy().build().spec;
  const policy = aPolicy()
    .sinks(sink("vault"))
    .spec({ retention: { ...retention, timeZone: "Mars/Olympus" } })
    .build();
  const status = judge([], policy);
  expect(conditionIn(status, "Ready")).toBe(
    "False UnknownTimeZone: HO-P110 retention: time zone Mars/Olympus is unknown, so nothing is pruned",
  );
  expect(conditionIn(status, "Stalled")).toContain("True UnknownTimeZone: HO-P110 retention: time zone Mars/Olympus");
});
