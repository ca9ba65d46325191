/** Which pods of a namespace may touch the data of the app, now or since a moment. */
import { describe, expect, test } from "@jest/globals";
import type { Pod } from "../../../operator/api/kinds.ts";
import { labels } from "../../../operator/api/names.ts";
import { isMover, matchesSelector, mountsClaim, podsSince, runningPods } from "../../../operator/decide/app.ts";
import { claims, down, held } from "../../support/app-states.ts";
import { aPod, aWorkload, at } from "../../support/builders.ts";

const stranger = aPod("job").meta({ labels: {} });
const mover = { [labels.owner]: "run-uid", [labels.step]: "capture" };
const { volumes: _volumes, ...unmounted } = stranger.build().spec;

describe("a selector", () => {
  const both = aWorkload().spec({
    selector: {
      matchLabels: { app: "shop", tier: "web" },
      matchExpressions: ["old", "new"].map((key) => ({ key, operator: "DoesNotExist" })),
    },
  });
  const expression = (key: string, operator: string) =>
    aWorkload().spec({ selector: { matchExpressions: [{ key, operator }] } });
  const { labels: _labels, ...bare } = aPod().build().metadata;
  test.each<[string, ReturnType<typeof both.build>, Pod, boolean]>([
    ["of several parts takes who has them all", both.build(), aPod().labelled({ tier: "web" }).build(), true],
    ["not who has another label", both.build(), aPod().labelled({ tier: "db" }).build(), false],
    ["nor who lacks one", both.build(), aPod().build(), false],
    ["nor who is excluded", both.build(), aPod().labelled({ tier: "web", old: "" }).build(), false],
    ["that excludes takes who is not", expression("old", "DoesNotExist").build(), aPod().build(), true],
    ["that needs a label takes none without", expression("old", "Exists").build(), aPod().build(), false],
    ["of no values takes nobody", expression("app", "In").build(), aPod().build(), false],
    ["that excludes no values takes everybody", expression("app", "NotIn").build(), aPod().build(), true],
    ["takes nobody without labels", aWorkload().build(), { ...aPod().build(), metadata: bare }, false],
  ])("%s", (_what, workload, pod, expected) => {
    expect(matchesSelector(pod, workload)).toBe(expected);
  });
});

test.each<[string, Pod, boolean]>([
  ["with a claim of the app", stranger.mounting("scratch", "shop-uploads").build(), true],
  ["with another claim", stranger.mounting("scratch").build(), false],
  [
    "with a volume that is no claim",
    { ...stranger.build(), spec: { ...unmounted, volumes: [{ name: "tmp" }] } },
    false,
  ],
  ["without volumes", { ...stranger.build(), spec: unmounted }, false],
])("a pod %s mounts one of it: %s", (_what, pod, expected) => {
  expect(mountsClaim(pod, claims)).toBe(expected);
});

test.each<[string, Readonly<Record<string, string>>, boolean]>([
  ["both of our labels", mover, true],
  ["only an owner", { [labels.owner]: "run-uid" }, false],
  ["only a step", { [labels.step]: "capture" }, false],
  ["neither", {}, false],
])("a pod with %s is a mover of ours: %s", (_what, given, expected) => {
  expect(isMover(stranger.meta({ labels: given }).build())).toBe(expected);
});
test("a pod without labels is no mover of ours", () => {
  const { labels: _labels, ...bare } = stranger.build().metadata;
  expect(isMover({ ...stranger.build(), metadata: bare })).toBe(false);
});

describe("the app's data may be touched", () => {
  const ended = { name: "app", exitCode: 0 };
  test.each<[string, Pod, boolean]>([
    ["by a pod of its workload", aPod().build(), true],
    ["by a stranger at its claim", stranger.mounting("shop-uploads").build(), true],
    ["not by a stranger elsewhere", stranger.mounting("scratch").build(), false],
    ["not by a mover of ours", stranger.meta({ labels: mover }).mounting("shop-uploads").build(), false],
    ["not by one that has ended", aPod().ended(ended).build(), false],
  ])("%s", (_what, pod, expected) => {
    expect(runningPods(down({}, pod), held, claims)).toEqual(expected ? [pod] : []);
  });
  test("by nobody through a workload that is gone", () => {
    const seen = { ...down({}, aPod().build()), workloads: new Map() };
    expect(runningPods(seen, held, claims)).toEqual([]);
  });

  const made = (creationTimestamp: string | undefined) =>
    aPod()
      .ended(ended)
      .meta({ creationTimestamp: creationTimestamp as never })
      .build();
  test.each<[string, Pod, boolean]>([
    ["by one that runs, whenever it was made", aPod().created("2026-11-20T01:00:00Z").build(), true],
    ["by one that came and went", made("2026-11-21T01:00:01Z"), true],
    ["not by one of the same second", made("2026-11-21T01:00:00Z"), false],
    ["not by one that was there before", made("2026-11-21T00:59:59Z"), false],
    ["not by one of which nobody knows when", made(undefined), false],
  ])("since a moment: %s", (_what, pod, expected) => {
    expect(podsSince(at("01:00"), down({}, pod), held, claims)).toEqual(expected ? [pod] : []);
  });
});
