/** One pass over a run whose steps are Jobs: what they are told, how often they are tried, and whose pods speak for them. */
import { describe, expect, test } from "@jest/globals";
import type { BackupPolicy, Job, Pod, RunStatus, StepRecord } from "../../../operator/api/kinds.ts";
import { annotations, jobNameLabel, labels } from "../../../operator/api/names.ts";
import type { MoverSuccess } from "../../../operator/contract/result.ts";
import type { RunDecision } from "../../../operator/decide/run-observation.ts";
import { aJob, aPod, aPolicy, aRun, anApp, sink } from "../../support/builders.ts";
import { tasksOf } from "../../support/job-views.ts";
import { type Steps, stepsOf } from "./recorded-steps.ts";
import { type Story, acts, pass, spec, stateOf, stepOf } from "./run-passes.ts";

const digest = "0123456789abcdef".repeat(4);
const base: Steps = { Accept: "Done", Preflight: "Done", Warm: "Done", Quiesce: "Done", Capture: "Done" };
const sealed: Steps = { ...base, GiveBack: "Done", Seal: "Done" };
const copied: Steps = { ...sealed, "Transport/vault": "Done", "Verify/vault": "Done" };
const running = (change: Partial<StepRecord> = {}): Omit<StepRecord, "name"> => ({
  state: "Running",
  attempt: 1,
  job: "job",
  startedAt: "2026-11-21T01:00:00Z",
  ...change,
});
const facts = (name: string, uuid: string) => ({
  name,
  uuid,
  generations: 1,
  verified: 1,
  bytes: 1,
  freeBytes: 1,
});
const pruned = (change: object = {}): MoverSuccess => ({
  version: 1,
  ok: true,
  step: "prune",
  location: facts("source", "u"),
  settled: [],
  pending: 0,
  removed: [],
  kept: [],
  ...change,
});
const ended = (exitCode: number, result: { readonly step: string; readonly [key: string]: unknown }): Pod =>
  aPod("pod")
    .ofJob("job", "shop-1-uid")
    .ended({ name: result.step, exitCode, message: JSON.stringify(result) })
    .build();
const seeing = (...pods: readonly Pod[]): Pick<Story, "seen"> => ({ seen: anApp({ pods }) });
const theJob = aJob("job").build();
const failing: Pick<Story, "seen" | "jobs"> = {
  ...seeing(ended(1, { version: 1, step: "x", ok: false, code: "HO-X001", message: "no luck", retry: true })),
  jobs: [aJob("job").condition("Failed").build()],
};
const taskOf = ({ actions }: RunDecision): unknown =>
  actions.flatMap((action) => (action.do === "createJob" ? tasksOf(action.job) : []))[0];

describe("a step is tried", () => {
  test.each<[string, Steps, number, number, StepRecord["state"]]>([
    ["Preflight", { Accept: "Done" }, 2, 0, "Waiting"],
    ["Preflight", { Accept: "Done" }, 3, 0, "Failed"],
    ["Capture", base, 1, 0, "Failed"],
    ["Transport/vault", sealed, 3, 0, "Waiting"],
    ["Transport/vault", sealed, 4, 0, "Failed"],
    ["Prune/source", copied, 2, 0, "Waiting"],
    ["Prune/source", copied, 3, 0, "Failed"],
    // A round is no attempt.
    ["Prune/source", copied, 3, 1, "Waiting"],
    ["Prune/source", copied, 4, 1, "Failed"],
  ])("%s after %j: attempt %s that fails, after %s rounds, is %s", (name, steps, attempt, rounds, state) => {
    const step = running({ attempt, ...(rounds === 0 ? {} : { rounds }) });
    expect(stateOf(pass(stepsOf({ ...steps, [name]: step }), failing), name)).toBe(state);
  });
});

describe("its mover is told", () => {
  const found: MoverSuccess = {
    version: 1,
    ok: true,
    step: "preflight",
    lastSeq: 0,
    pending: 0,
    bytes: 0,
    files: 0,
    databases: [],
    warnings: [],
    locations: [facts("vault", "vault-found")],
  };
  const looked: Omit<StepRecord, "name"> = { state: "Done", result: { of: [found] } };
  const knowing = aPolicy()
    .status({
      locations: [
        { name: "source", uuid: "source-known" },
        { name: "vault", uuid: "vault-known" },
      ],
    })
    .build();
  test.each<[string, Steps[string], BackupPolicy | undefined, string | undefined]>([
    ["what the preflight has found, before what the policy knows", looked, knowing, "vault-found"],
    ["that also when the policy is deleted", looked, undefined, "vault-found"],
    ["what the policy knows of a sink that the preflight could not open", "Done", knowing, "vault-known"],
    ["nothing, when nobody knows", "Done", aPolicy().build(), undefined],
  ])("which sink to expect: %s", (_name, preflight, policy, uuid) => {
    const decision = pass(stepsOf({ ...sealed, Preflight: preflight }), { policy });
    expect(taskOf(decision)).toMatchObject({ step: "transport", policyUID: "shop-policy-uid" });
    expect((taskOf(decision) as { sink: object }).sink).toEqual({ name: "vault", ...(uuid && { uuid }) });
  });
  test("to look at the sinks that the run goes to, and at no others", () => {
    const status = { policy: { ...spec, sinks: [sink("vault"), sink("attic")] } };
    expect(taskOf(pass(stepsOf({ Accept: "Done" }), { status }))).toMatchObject({
      step: "preflight",
      sinks: [{ name: "vault" }],
    });
  });
  test("what is on record: which pod has captured, and which plan may be acted upon", () => {
    const status: RunStatus = { seq: 7, capturePodUID: "pod-uid" };
    expect(taskOf(pass(stepsOf({ ...base, GiveBack: "Done" }), { status }))).toMatchObject({
      step: "seal",
      seq: 7,
      stagingPodUID: "pod-uid",
    });
    const planned: Omit<StepRecord, "name"> = { state: "Waiting", attempt: 1, job: "job", approved: digest };
    expect(taskOf(pass(stepsOf({ ...copied, "Prune/source": planned })))).toMatchObject({ approved: digest });
  });
  test("what people have acknowledged at the policy, as it is by now", () => {
    const policy = aPolicy().annotated(annotations.acknowledgePrune, "0123456789ab").build();
    expect(taskOf(pass(stepsOf(copied), { policy }))).toMatchObject({ acknowledged: ["0123456789ab"] });
    expect(taskOf(pass(stepsOf(copied)))).toMatchObject({ acknowledged: [] });
  });
});

describe("a prune that has planned", () => {
  const planned: Omit<StepRecord, "name"> = { state: "Waiting", attempt: 1, rounds: 1, job: "job", approved: digest };
  test("goes on when its Job is gone, and not before", () => {
    const steps = stepsOf({ ...copied, "Prune/source": planned });
    const before = pass(steps, { jobs: [theJob] });
    expect(before.actions).toEqual([{ do: "deleteJob", name: "job", uid: "job-uid" }]);
    expect(before.wakeAfter).toBe(1_000);
    expect(stateOf(before, "Prune/source")).toBe("Waiting");
    const after = pass(steps);
    expect([stateOf(after, "Prune/source"), acts(after)]).toEqual(["Running", ["createJob"]]);
  });
  const siblings = [
    aRun("old")
      .annotated(annotations.hold, "until easter")
      .status({ policyUID: "shop-policy-uid", generation: { id: "000001-20261103T010000Z-full" } })
      .build(),
  ];
  test("has its plan on record, and no other prune begins", () => {
    const story = { ...seeing(ended(0, pruned({ plan: { digest, removes: 2 } }))), jobs: [theJob], siblings };
    const decision = pass(stepsOf({ ...copied, "Prune/source": running() }), story);
    expect(stepOf(decision, "Prune/source")).toMatchObject({ state: "Waiting", approved: digest, rounds: 1 });
    expect(decision.status.retention).toMatchObject([{ location: "source", state: "Planned", digest }]);
    expect([stateOf(decision, "Prune/vault"), decision.wakeAfter]).toEqual(["Pending", 0]);
  });
  test("and is done says which hold nobody can read; no other step does", () => {
    const story = { ...seeing(ended(0, pruned())), jobs: [theJob], siblings };
    const decision = pass(stepsOf({ ...copied, "Prune/source": running() }), story);
    expect(stepOf(decision, "Prune/source")?.message).toContain("; the hold of run old cannot be read");
    expect(decision.status.retention).toMatchObject([{ location: "source", state: "Done" }]);
    const warm = { version: 1, ok: true, step: "warm", bytes: 1, files: 1 };
    const other = pass(stepsOf({ Accept: "Done", Preflight: "Done", Warm: running() }), {
      ...seeing(ended(0, warm)),
      jobs: [theJob],
      siblings,
    });
    expect(stepOf(other, "Warm")).toMatchObject({ state: "Done", message: expect.not.stringContaining("hold") });
    expect(other.wakeAfter).toBe(0);
    expect(other.status.retention).toBeUndefined();
  });
  test("and refuses has the reason in its step and on record", () => {
    const refused = "HO-K701: 5 of 8 generations would be removed at once";
    const story = { ...seeing(ended(0, pruned({ plan: { digest, removes: 5 }, refused }))), jobs: [theJob] };
    const decision = pass(stepsOf({ ...copied, "Prune/source": running() }), story);
    expect(stepOf(decision, "Prune/source")).toMatchObject({ state: "Done", code: "HO-K701" });
    expect(decision.status.retention).toMatchObject([{ state: "Waiting", digest }]);
  });
});

test("a pod that is another run's does not speak for a Job that is gone", () => {
  const steps = stepsOf({ Accept: "Done", Preflight: running({ startedAt: "2026-11-21T00:59:30Z" }) });
  const of = (owner: string): Pod =>
    aPod("p")
      .labelled({ [labels.owner]: owner, [jobNameLabel]: "job" })
      .build();
  const { labels: _labels, ...bare } = aPod("q").build().metadata;
  expect(acts(pass(steps, seeing(of("shop-1-uid"))))).toEqual([]);
  expect(acts(pass(steps, seeing(of("other-uid"), { ...aPod().build(), metadata: bare })))).toEqual(["createJob"]);
});

describe("of a step that has failed, a Job that goes on", () => {
  const broken = (name: string, clock: string, jobs: readonly Job[] = [theJob]): RunDecision => {
    const failed = running({ state: "Failed", code: "HO-X001", message: "x", finishedAt: "2026-11-21T01:00:00Z" });
    const before: Steps = name === "Capture" ? base : { Accept: "Done" };
    return pass(stepsOf({ ...before, GiveBack: "Done", [name]: failed }), { jobs, now: clock });
  };
  test("goes at once, but that of a capture has ten seconds for its log", () => {
    expect(acts(broken("Preflight", "01:00:05"))).toEqual(["deleteJob"]);
    expect([acts(broken("Capture", "01:00:05")), broken("Capture", "01:00:05").wakeAfter]).toEqual([[], 5_000]);
    expect(acts(broken("Capture", "01:00:10"))).toEqual(["deleteJob"]);
  });
});
