/** Carries out what was decided, one case per kind of action. Each write can be repeated, and each carries what was observed. */
import { type Job, type KubeObject, type Resource, apiVersion, isOwnedBy, jobs, leases, runs } from "../api/kinds.ts";
import type { Action, Manifest } from "../decide/decision.ts";
import type { Cluster } from "./client.ts";
import { ApiError } from "./errors.ts";

const rbac = { group: "rbac.authorization.k8s.io", version: "v1" };
const resourceOf: Readonly<Record<Manifest["kind"], Resource>> = {
  ServiceAccount: { group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount" },
  Role: { ...rbac, plural: "roles", kind: "Role" },
  RoleBinding: { ...rbac, plural: "rolebindings", kind: "RoleBinding" },
  Job: jobs,
};

/** `again`: the world has moved since it was observed; the next pass sees how. */
export type Outcome = "done" | "again";

const settled = (answer: unknown): Outcome => (answer === "conflict" || answer === "exists" ? "again" : "done");

/** @param object as recorded in this pass: its resourceVersion is the one that the decision stands on. */
export async function act(cluster: Cluster, resource: Resource, object: KubeObject, action: Action): Promise<Outcome> {
  const { namespace, name } = object.metadata;
  switch (action.do) {
    case "createJob":
      return createJob(cluster, namespace, action.job, action.ownerUID);
    case "deleteJob":
      return settled(await cluster.remove(jobs, namespace, action.name, { uid: action.uid }));
    case "createRecord":
      return settled(
        await cluster.create(leases, namespace, {
          apiVersion: apiVersion(leases),
          kind: leases.kind,
          ...action.record,
        }),
      );
    case "updateRecord":
      return settled(
        await cluster.update(leases, namespace, action.record.metadata.name, {
          apiVersion: apiVersion(leases),
          kind: leases.kind,
          ...action.record,
        }),
      );
    case "createGuard":
      // A name is of one record only: what exists is from an earlier attempt.
      for (const guarding of action.objects) await cluster.create(resourceOf[guarding.kind], namespace, guarding);
      return "done";
    case "deleteRecord":
      return settled(
        await cluster.remove(leases, namespace, action.name, {
          uid: action.uid,
          resourceVersion: action.resourceVersion,
        }),
      );
    case "scale":
      return settled(
        await cluster.scale(action.resource, namespace, action.name, action.replicas, action.resourceVersion),
      );
    case "createRun": {
      const body = {
        apiVersion: apiVersion(runs),
        kind: runs.kind,
        metadata: {
          name: action.name,
          namespace,
          labels: action.labels,
          ...(action.annotations === undefined ? {} : { annotations: action.annotations }),
        },
        spec: action.spec,
      };
      return settled(await cluster.create(runs, namespace, body));
    }
    case "deleteRun":
      return settled(await cluster.remove(runs, namespace, action.run.metadata.name, { uid: action.run.metadata.uid }));
    case "setFinalizers":
      return settled(
        await cluster.patch(resource, namespace, name, {
          metadata: { resourceVersion: object.metadata.resourceVersion, finalizers: action.finalizers },
        }),
      );
  }
}

/** A Job under our name that is not ours is never adopted: a stranger's, or one of a deleted run of the same name. */
async function createJob(
  cluster: Cluster,
  namespace: string,
  job: Extract<Action, { do: "createJob" }>["job"],
  ownerUID: string,
): Promise<Outcome> {
  const answer = await cluster.create<Job>(jobs, namespace, job);
  if (answer !== "exists") return "done";
  const existing = await cluster.get<Job>(jobs, namespace, job.metadata.name);
  if (existing !== undefined && isOwnedBy(existing, ownerUID)) return "done";
  const message = `Job ${namespace}/${job.metadata.name} exists and belongs to something else`;
  throw new ApiError({ status: 409, reason: "AlreadyExists", message, outcome: "unchanged" });
}
