/** The runtime: watches, queue, election, a pass; and what a status says. */
import type { PlantedBug } from "../bug.ts";

const reflectorTest = "test/unit/runtime/reflector.test.ts";
const reflector = "operator/runtime/reflector.ts";

export const runtimeBugs: readonly PlantedBug[] = [
  {
    id: "handler-throws",
    breaks: "S31",
    what: "a change that cannot be handled ends the watching",
    file: reflector,
    text: `    } catch (error) {
      report(error);
    }
  }
}`,
    becomes: `    } catch (error) {
      report(error);
      throw error;
    }
  }
}`,
    caughtBy: {
      file: reflectorTest,
      test: ["Reflector", "a handler that throws or rejects is reported and changes nothing"],
    },
  },
  {
    id: "pass-throws",
    breaks: "L2",
    what: "a pass that fails ends its worker for good",
    file: "operator/runtime/queue.ts",
    text: "          onError(key, error, this.addRateLimited(key));\n",
    becomes: "          onError(key, error, this.addRateLimited(key));\n          return;\n",
    caughtBy: {
      file: "test/unit/runtime/queue.test.ts",
      test: ["WorkQueue", "failures double the wait up to the limit, success forgets them"],
    },
  },
  {
    id: "watch-not-restarted",
    breaks: "S31",
    what: "a watch whose history is lost is asked for the same history for ever",
    file: reflector,
    text: 'return outcome.type === "expired" || outcome.type === "malformed" || this.#isOld();',
    becomes: 'return outcome.type === "malformed" || this.#isOld();',
    caughtBy: {
      file: reflectorTest,
      test: ["Reflector", "lists again when history is lost, and sees that an object is another one"],
    },
  },
  {
    id: "half-open-for-ever",
    breaks: "S31",
    what: "a connection that died without a word is waited on for ever",
    file: reflector,
    text: "if (left <= 0) idle.abort();",
    becomes: "if (left <= 0) this.#touch();",
    caughtBy: {
      file: reflectorTest,
      test: ["Reflector", "connects again after silence, from where it was, and is not fooled by a frozen connection"],
    },
  },
  {
    id: "version-as-number",
    breaks: "S31",
    what: "an object counts as known when its version is a smaller number",
    file: "operator/runtime/store.ts",
    text: "return old.metadata.resourceVersion === object.metadata.resourceVersion ? []",
    becomes: "return Number(old.metadata.resourceVersion) >= Number(object.metadata.resourceVersion) ? []",
    caughtBy: {
      file: "test/unit/runtime/store.test.ts",
      test: ["a version is another version or the same one, never a larger or a smaller number"],
    },
  },
  {
    id: "recreated-is-modified",
    breaks: "S31, S3",
    what: "an object that was deleted and made again unseen counts as changed",
    file: "operator/runtime/store.ts",
    text: "if (old.metadata.uid !== object.metadata.uid) {",
    becomes: "if (old.metadata.name !== object.metadata.name) {",
    caughtBy: {
      file: reflectorTest,
      test: ["Reflector", "lists again when history is lost, and sees that an object is another one"],
    },
  },
  {
    id: "write-after-lost-lease",
    breaks: "S30",
    what: "a write that is repeated does not ask again whether we lead",
    file: "operator/cluster/client.ts",
    text: "if (!read && options.mayWrite?.() === false) {",
    becomes: "if (!read && attempt === 1 && options.mayWrite?.() === false) {",
    caughtBy: {
      file: "test/unit/cluster/client-writes.test.ts",
      test: ["writes", "scale is not sent by one who has lost the lease, nor repeated after losing it"],
    },
  },
  {
    id: "lease-from-the-answer",
    breaks: "S30",
    what: "a lease counts from the answer, so that two may believe to hold it",
    file: "operator/runtime/leader.ts",
    text: "      this.#renewedAt = startedAt;",
    becomes: "      this.#renewedAt = Math.max(startedAt, this.#clock.monotonic());",
    caughtBy: {
      file: "test/unit/runtime/leader.test.ts",
      test: ["LeaderElector", "a lease counts from the sending of the request, not from its late answer"],
    },
  },
  {
    id: "lease-by-its-times",
    breaks: "S30",
    what: "a lease is judged by the times that another clock has written into it",
    file: "operator/runtime/leader.ts",
    text: "return this.#observed !== undefined && this.#clock.monotonic() - this.#observed.at >= durationMs;",
    becomes: 'return this.#clock.now() - Date.parse(lease.spec?.renewTime ?? "") >= durationMs;',
    caughtBy: {
      file: "test/unit/runtime/leader.test.ts",
      test: ["LeaderElector", "a successor waits for the expiry by its own clock, whatever the times in the lease say"],
    },
  },
  {
    id: "write-repeated-blindly",
    breaks: "S30",
    what: "a write whose answer is lost is sent again",
    file: "operator/cluster/client.ts",
    text: '  return error.reason === "Unreachable";',
    becomes: '  return error.reason === "Unreachable" || error.outcome === "unknown";',
    caughtBy: {
      file: "test/unit/cluster/client-writes.test.ts",
      test: ["writes", "scale is sent once when the answer is lost, and says that the outcome is unknown"],
    },
  },
  {
    id: "unserved-is-absent",
    breaks: "S19, S28",
    what: "a kind that the server does not serve counts as an object that is gone",
    file: "operator/cluster/errors.ts",
    text: 'return status === 404 && told?.reason === "NotFound" && told.name !== undefined;',
    becomes: 'return status === 404 && told?.name !== "";',
    caughtBy: {
      file: "test/unit/cluster/client.test.ts",
      test: ["reads", "an absent object is undefined, an unserved kind is an error"],
    },
  },
  {
    id: "act-then-record",
    breaks: "law 3",
    what: "actions are carried out before the status says so",
    file: "operator/runtime/reconcile.ts",
    text: "  let current: KubeObject = object;\n",
    becomes:
      "  let current: KubeObject = object;\n  for (const action of decision.actions) await act(cluster, resource, current, action);\n",
    caughtBy: {
      file: "test/unit/runtime/reconcile.test.ts",
      test: ["a pass", "records first, with the version that it has seen, then acts, then tells"],
    },
  },
  {
    id: "act-on-conflict",
    breaks: "law 3, S30",
    what: "a controller that was too slow to record acts all the same",
    file: "operator/runtime/reconcile.ts",
    text: `    if (written === "conflict") return { wakeAfter: again };
    if (written === "gone") return { wakeAfter: undefined };
    current = written;`,
    becomes: `    if (written !== "conflict" && written !== "gone") current = written;`,
    caughtBy: {
      file: "test/unit/runtime/reconcile.test.ts",
      test: ["a pass", 'does nothing when its status meets with "conflict"'],
    },
  },
  {
    id: "status-always-written",
    breaks: "law 5",
    what: "an unchanged status is written again, and wakes the next pass",
    file: "operator/runtime/reconcile.ts",
    text: "decision.status !== undefined && !isSameJson(decision.status, object.status ?? {})",
    becomes: "decision.status !== undefined && !isSameJson(decision.status, undefined)",
    caughtBy: {
      file: "test/unit/runtime/reconcile.test.ts",
      test: ["a pass", "that finds nothing to do writes nothing, also when what is not there is spelled out"],
    },
  },
  {
    id: "transition-without-change",
    breaks: "law 5",
    what: "a condition that stays what it was says that it has changed now",
    file: "operator/api/conditions.ts",
    text: "before?.status === condition.status ? before.lastTransitionTime : now",
    becomes:
      "before?.status === condition.status && before.message === condition.message ? before.lastTransitionTime : now",
    caughtBy: {
      file: "test/unit/api/conditions.test.ts",
      test: ["a condition that is set again", "another message: keeps its time"],
    },
  },
  {
    id: "old-condition-as-current",
    breaks: "S29",
    what: "a condition of an older generation is shown as one of the present spec",
    file: "operator/api/conditions.ts",
    text: "observedGeneration: generation, lastTransitionTime",
    becomes: "observedGeneration: before?.observedGeneration ?? generation, lastTransitionTime",
    caughtBy: {
      file: "test/unit/api/conditions.test.ts",
      test: ["a condition that is set again", "the same: keeps its time"],
    },
  },
  {
    id: "old-generation-observed",
    breaks: "S29",
    what: "a policy that was edited is shown as judged already, by what was found before",
    file: "operator/decide/policy.ts",
    text: "    observedGeneration: generation,\n    state,",
    becomes: "    observedGeneration: before.observedGeneration ?? generation,\n    state,",
    caughtBy: {
      file: "test/unit/decide/policy-status.test.ts",
      test: ["a policy that was edited is judged by its new spec, and its status says of which one it speaks"],
    },
  },
  {
    id: "record-waits-for-watch",
    breaks: "S31",
    what: "a quiesce record is worked on only when a watch tells of it",
    file: "operator/runtime/operator.ts",
    text: `          this.#queue.add(keyOf("record", action.record));
`,
    becomes: `          break;
`,
    caughtBy: {
      file: "test/simulator/events.test.ts",
      test: ["run", "S31 ends the same when no event is ever told"],
    },
  },
  {
    id: "two-in-one-place",
    breaks: "S30",
    what: "two processes of one pod take the lease from each other for ever",
    file: "operator/runtime/leader.ts",
    text: "place !== undefined && this.#renewedAt === undefined && holder",
    becomes: "place !== undefined && holder",
    caughtBy: {
      file: "test/unit/runtime/leader-lease.test.ts",
      test: ["the lease", "is not taken back from a successor in the same place"],
    },
  },
];
