/** Names are locks: short enough for Kubernetes, the same for the same thing, and never the same for two things. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { jobName, recordName, scheduledRunName } from "../../../operator/api/names.ts";

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const part = fc.stringMatching(/^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/);
/** Runs of schedules, and runs that people have named. */
const owners = fc.oneof(
  fc.tuple(part, part).map(([policy, schedule]) => scheduledRunName(policy, schedule, "20261121-0200")),
  fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?){0,2}$/),
);
const steps = fc.oneof(
  fc.constantFrom("Preflight", "Warm", "Capture", "Seal", "Prune/source"),
  fc.tuple(fc.constantFrom("Transport", "Verify", "Prune"), part).map(([step, sink]) => `${step}/${sink}`),
);
const attempts = fc.integer({ min: 1, max: 5 });

describe("the name of a Job", () => {
  test("says whose it is, which step and which attempt", () => {
    expect(jobName("shop-1", "Transport/vault", 2)).toBe("shop-1-transport-vault-2");
  });
  test("fits into a label of its pods", () => {
    fc.assert(
      fc.property(owners, steps, attempts, (owner, step, attempt) =>
        expect(jobName(owner, step, attempt)).toMatch(label),
      ),
      { numRuns: 1_000 },
    );
  });
  test("differs between owners that look alike at their beginning", () => {
    fc.assert(
      fc.property(part, part, steps, attempts, (policy, schedule, step, attempt) => {
        const nights = Array.from({ length: 30 }, (_, night) =>
          scheduledRunName(policy, schedule, `202611${String(night + 1).padStart(2, "0")}-0200`),
        );
        expect(new Set(nights.map((owner) => jobName(owner, step, attempt))).size).toBe(nights.length);
      }),
    );
  });
  test("differs between two nights, however long the names of policy, schedule and sink", () => {
    for (const length of [1, 10, 20, 32]) {
      const long = "a".repeat(length);
      const nights = ["20261121-0200", "20261122-0200"].map((slot) => scheduledRunName(long, long, slot));
      expect(new Set(nights.map((owner) => jobName(owner, `Transport/${"s".repeat(32)}`, 1))).size).toBe(2);
    }
  });
  test("differs between the sinks and attempts of one owner", () => {
    fc.assert(
      fc.property(owners, fc.uniqueArray(part, { minLength: 2, maxLength: 8 }), (owner, sinks) => {
        const names = sinks.flatMap((sink) =>
          [1, 2, 11].map((attempt) => jobName(owner, `Transport/${sink}`, attempt)),
        );
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });
  test("differs between an owner with a dot and one with a dash", () => {
    expect(jobName("shop.1", "Seal", 1)).not.toBe(jobName("shop-1", "Seal", 1));
  });
  test("ends with the attempt, however long the rest", () => {
    fc.assert(
      fc.property(owners, steps, attempts, (owner, step, attempt) =>
        expect(jobName(owner, step, attempt).endsWith(`-${attempt}`)).toBe(true),
      ),
    );
  });
});

test("a record has the name of its workload's uid, whatever the workload is called", () => {
  const name = recordName("3d6f0a2e-7a44-4c9e-9c3a-0f6f6a1b2c3d");
  expect(name).toBe("handover-3d6f0a2e-7a44-4c9e-9c3a-0f6f6a1b2c3d");
  expect(name).toMatch(label);
});

test("a slot has one name of a run", () => {
  expect(scheduledRunName("shop", "nightly", "20261121-0200")).toBe("shop-nightly-20261121-0200");
});
