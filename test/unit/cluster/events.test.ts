import { expect, test } from "@jest/globals";
import { policies, type KubeObject } from "../../../operator/api/kinds.ts";
import type { Cluster } from "../../../operator/cluster/client.ts";
import { EventRecorder, type EventNote } from "../../../operator/cluster/events.ts";

const object = (uid: string): KubeObject => ({
  metadata: { name: "nightly", namespace: "shop", uid, resourceVersion: "7" },
  spec: {},
});
const note: EventNote = { type: "Warning", reason: "SinkUnreachable", message: "cannot reach it" };

const start = (answer: (call: string) => unknown = () => ({ metadata: { resourceVersion: "1" } })) => {
  const calls: { readonly call: string; readonly body: unknown }[] = [];
  const failures: unknown[] = [];
  let monotonic = 0;
  const reply = async (call: string, body: unknown): Promise<unknown> => {
    calls.push({ call, body });
    return answer(call);
  };
  // The port's methods return the type their caller names.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const cluster = {
    create: (_: unknown, namespace: string, body: unknown) => reply(`create in ${namespace}`, body),
    patch: (_: unknown, _namespace: string, name: string, body: unknown) => reply(`patch ${name}`, body),
  } as unknown as Pick<Cluster, "create" | "patch">;
  const recorder = new EventRecorder({
    cluster,
    instance: "pod-1",
    now: () => Date.UTC(2026, 10, 21, 2, 0, 0, 123),
    monotonic: () => monotonic,
    onFailure: (error) => failures.push(error),
  });
  return { recorder, calls, failures, pass: (ms: number) => (monotonic += ms) };
};

test("the first of its kind is an event, as kubectl expects it", async () => {
  const { recorder, calls } = start();
  await recorder.record(policies, object("u1"), note);
  expect(calls).toEqual([
    {
      call: "create in shop",
      body: {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: expect.stringMatching(/^nightly\.[0-9a-f]{16}$/), namespace: "shop" },
        involvedObject: {
          apiVersion: "backup.handover.dev/v1alpha1",
          kind: "BackupPolicy",
          name: "nightly",
          namespace: "shop",
          uid: "u1",
          resourceVersion: "7",
        },
        type: "Warning",
        reason: "SinkUnreachable",
        message: "cannot reach it",
        count: 1,
        firstTimestamp: "2026-11-21T02:00:00Z",
        lastTimestamp: "2026-11-21T02:00:00Z",
        source: { component: "handover" },
        reportingComponent: "handover",
        reportingInstance: "pod-1",
      },
    },
  ]);
});

test("a repetition raises the count; another object, reason, type or message does not", async () => {
  const { recorder, calls } = start();
  await recorder.record(policies, object("u1"), note);
  await recorder.record(policies, object("u1"), note);
  await recorder.record(policies, object("u1"), note);
  expect(calls.slice(1).map(({ body }) => body)).toMatchObject([{ count: 2 }, { count: 3 }]);
  const others = [
    { ...note, reason: "Other" },
    { ...note, type: "Normal" as const },
    { ...note, message: "other" },
  ];
  for (const other of others) await recorder.record(policies, object("u1"), other);
  await recorder.record(policies, object("u2"), note);
  expect(calls.slice(3).map(({ call }) => call)).toEqual(Array(4).fill("create in shop"));
});

test.each(["gone", "conflict"])("an event that is %s when it repeats is made anew", async (answer) => {
  const { recorder, calls } = start((call) =>
    call.startsWith("patch") ? answer : { metadata: { resourceVersion: "1" } },
  );
  await recorder.record(policies, object("u1"), note);
  await recorder.record(policies, object("u1"), note);
  expect(calls.map(({ call }) => call.split(" ")[0])).toEqual(["create", "patch", "create"]);
});

test("a failure is reported and fails nobody", async () => {
  const { recorder, failures } = start(() => {
    throw new Error("no");
  });
  await expect(recorder.record(policies, object("u1"), note)).resolves.toBeUndefined();
  expect(failures).toEqual([new Error("no")]);
});

test("an object that says too much is cut short, others are not, and it may speak again later", async () => {
  const { recorder, calls, pass } = start();
  for (let line = 0; line < 100; line++)
    await recorder.record(policies, object("u1"), { ...note, message: String(line) });
  expect(calls).toHaveLength(25);
  await recorder.record(policies, object("u2"), note);
  expect(calls).toHaveLength(26);
  pass(600_000);
  for (let line = 0; line < 10; line++)
    await recorder.record(policies, object("u1"), { ...note, message: `later ${line}` });
  expect(calls).toHaveLength(28);
});

test("a long message is cut without breaking a character", async () => {
  const { recorder, calls } = start();
  await recorder.record(policies, object("u1"), { ...note, message: `${"x".repeat(1022)}😀${"y".repeat(50)}` });
  expect(calls[0]!.body).toMatchObject({ message: `${"x".repeat(1022)}\u{FFFD}…` });
});
