/** The Job that lists a location: what it mounts, what it is told, and whose it is. */
import { expect, test } from "@jest/globals";
import type { AdoptionRecord, BackupPolicy, OwnerReference } from "../../../operator/api/kinds.ts";
import { annotations } from "../../../operator/api/names.ts";
import { taskVariable } from "../../../operator/contract/mounts.ts";
import { type TaskOf, parseTask } from "../../../operator/contract/task.ts";
import { decideAdoption } from "../../../operator/decide/adoption.ts";
import { at, settings } from "../../support/builders.ts";
import { idOf, listing, policyWith } from "./adoption-listings.ts";

interface Made {
  readonly task: TaskOf<"catalogue">;
  readonly claims: readonly (readonly [claim: string, readOnly: boolean | undefined])[];
  readonly owner: OwnerReference | undefined;
  readonly seconds: number | undefined;
}
interface JobSpec {
  readonly activeDeadlineSeconds?: number;
  readonly template: {
    readonly spec: {
      readonly volumes: readonly {
        readonly name: string;
        readonly persistentVolumeClaim?: { readonly claimName: string };
      }[];
      readonly containers: readonly {
        readonly env: readonly { readonly name: string; readonly value?: string }[];
        readonly volumeMounts: readonly { readonly name: string; readonly readOnly?: boolean }[];
      }[];
    };
  };
}
function made(adoption: AdoptionRecord, change: (policy: BackupPolicy) => BackupPolicy = (policy) => policy): Made {
  const seen = {
    policy: change(policyWith(adoption, adoption.request)),
    runs: [],
    takenNames: new Set<string>(),
    adoption: { jobs: new Map(), pods: [], settings },
  };
  const [action] = decideAdoption(seen, at("02:00")).actions;
  if (action?.do !== "createJob") throw new Error("no Job is made");
  const { metadata, spec } = action.job;
  const { activeDeadlineSeconds, template } = spec as unknown as JobSpec;
  const [container] = template.spec.containers;
  const text = container?.env.find(({ name }) => name === taskVariable)?.value ?? "";
  return {
    task: parseTask(text) as TaskOf<"catalogue">,
    claims: template.spec.volumes.flatMap(({ name, persistentVolumeClaim }) =>
      persistentVolumeClaim === undefined
        ? []
        : [
            [
              persistentVolumeClaim.claimName,
              container?.volumeMounts.find((mount) => mount.name === name)?.readOnly,
            ] as const,
          ],
    ),
    owner: metadata.ownerReferences?.[0],
    seconds: activeDeadlineSeconds,
  };
}
const at2 = (location: string, after = ""): AdoptionRecord => listing({ request: location, location, after });

test.each([
  { location: "source", claim: "shop-backups", verify: "Full" },
  { location: "vault", claim: "vault", verify: "Full" },
  { location: "offsite", claim: "offsite", verify: "Sample" },
])("at $location it reads $claim, and nothing else", ({ location, claim, verify }) => {
  const { task, claims } = made(at2(location));
  expect(claims).toEqual([[claim, true]]);
  expect(task).toMatchObject({
    step: "catalogue",
    namespace: "shop",
    policy: "shop",
    policyUID: "shop-policy-uid",
    run: "",
    location: { name: location },
    verify,
    after: "",
  });
});

test("it is the policy's, whose deletion it does not block, and lists for a quarter of an hour at most", () => {
  const { owner, seconds } = made(at2("vault"));
  expect(owner).toMatchObject({ kind: "BackupPolicy", name: "shop", uid: "shop-policy-uid" });
  expect(owner?.blockOwnerDeletion).toBe(false);
  expect(seconds).toBe(900);
});

test("it is told behind which generation to go on; what is no id is no place to go on from", () => {
  expect(made(at2("vault", idOf(2))).task.after).toBe(idOf(2));
  expect(made(at2("vault", "../000002")).task.after).toBe("");
});

test("it is told which place to expect, and whose lineage is taken over", () => {
  const known = made(at2("vault"), (policy) => ({
    ...policy,
    status: { ...policy.status, locations: [{ name: "vault", uuid: "vault-uuid" }] },
    metadata: {
      ...policy.metadata,
      annotations: { ...policy.metadata.annotations, [annotations.adoptLineage]: "former-uid" },
    },
  }));
  expect(known.task.location).toEqual({ name: "vault", uuid: "vault-uuid" });
  expect(known.task.adopt).toBe("former-uid");
  expect(made(at2("vault")).task.location).toEqual({ name: "vault" });
});
