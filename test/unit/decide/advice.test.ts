/** What people are told of the app and of the data, by what was done to them and not by the code alone. */
import { describe, expect, test } from "@jest/globals";
import { catalogue } from "../../../operator/api/codes.ts";
import { type Trouble, advise } from "../../../operator/decide/advice.ts";

const trouble: Trouble = {
  code: "HO-D301",
  what: "connection refused",
  step: undefined,
  app: "Up",
  wasStopped: false,
  names: { namespace: "shop", policy: "shop", run: "shop-1" },
  data: ({ data }) => data,
};

describe("an advice", () => {
  test.each([
    { code: "HO-D301", wasStopped: false, says: "App: not stopped." },
    { code: "HO-D301", wasStopped: true, says: "App: given back, running." },
    { code: "HO-S207", wasStopped: false, says: "App: not stopped." },
    { code: "HO-S207", wasStopped: true, says: "App: given back, running." },
    { code: "HO-R803", wasStopped: false, says: "App: not stopped, running on its present state." },
    { code: "HO-R803", wasStopped: true, says: "App: given back, running." },
    { code: "HO-R808", wasStopped: true, says: "App: running on the restored state." },
    { code: "HO-R808", wasStopped: false, says: "App: running on the restored state." },
  ] as const)("with $code of an app that was stopped: $wasStopped, says $says", ({ says, ...facts }) => {
    expect(advise({ ...trouble, ...facts })).toContain(says);
  });

  test.each([
    { app: "Down", step: undefined, says: "App: DOWN." },
    { app: "Unknown", step: undefined, says: "App: unknown; not stopped by this one." },
    { app: "Unknown", step: undefined, wasStopped: true, says: "App: given back, not seen to be ready." },
    { app: "Parked", step: undefined, says: "App: at no replicas, as a person has left it." },
    { app: "Parked", step: undefined, wasStopped: true, says: "App: at no replicas, as a person has left it." },
    { app: "Stopped", step: { name: "Capture", state: "Failed" }, says: "App: stopped, being given back." },
    { app: "Stopped", step: { name: "Capture", state: "Waiting" }, says: "App: stopped." },
    { app: "Stopped", step: undefined, says: "App: stopped." },
  ] as const)("of an app that is $app says $says", ({ says, ...facts }) => {
    expect(advise({ ...trouble, ...facts })).toContain(says);
  });
});

test.each([
  ["HO-P106", "the directory shop/shop belongs to the policy with uid 1f0c-9", "adopt-lineage=1f0c-9"],
  ["HO-P106", "the directory shop/shop belongs to the policy with uid $(id)", "adopt-lineage=<uid in the message>"],
  ["HO-P107", "volume uploads is empty, the newest generation of it holds 3 files", "accept-empty=uploads"],
  ["HO-P107", "volume uploads: the path a does not exist", "accept-empty=uploads"],
  ["HO-P107", "something else", "accept-empty=<volume in the message>"],
] as const)("the command of %s has the name that the message has: %s", (code, what, end) => {
  expect(advise({ ...trouble, code, what }).endsWith(end)).toBe(true);
});

test("in every entry the command comes last, and whole", () => {
  for (const [code, { next }] of Object.entries(catalogue))
    expect([code, next]).toEqual([code, expect.stringMatching(/(^|: )(kubectl|helm) (?!.*(, |; |\) |\)$))/)]);
});

test("an advice has the code, what happened, the app, the data and the next command, in this order", () => {
  const text = advise({ ...trouble, data: ({ data }) => `${data}, says the catalogue` });
  expect(text).toMatch(/^HO-D301 connection refused\. App: .+\. Data: .+, says the catalogue\. Next: .+ shop/);
});
