/** The commands that bring a generation back: with a plan first, at once, and with plain tools. */
import { groupName } from "../api/kinds.ts";
import type { Generation } from "./catalogue.ts";

/** In single quotes for a shell. JSON has none but in texts, and the names here cannot have them. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export interface RestoreCommands {
  readonly planned: readonly string[];
  readonly atOnce: string;
  readonly plain: string;
}

export function restoreCommands({ namespace, policy, id, seq }: Generation): RestoreCommands {
  const name = `${policy}-${String(seq).padStart(6, "0")}`;
  const request = (planOnly: boolean): string =>
    JSON.stringify({
      apiVersion: `${groupName}/v1alpha1`,
      kind: "RestoreRequest",
      metadata: { name, namespace },
      spec: { policyName: policy, from: { generation: id }, planOnly },
    });
  return {
    planned: [
      `echo ${quoted(request(true))} | kubectl create -f -`,
      `kubectl -n ${namespace} wait rreq/${name} --for=condition=Planned --timeout=10m`,
      `kubectl -n ${namespace} get rreq ${name} -o jsonpath='{.status.plan}'`,
      `kubectl -n ${namespace} patch rreq ${name} --type merge -p '{"spec":{"planOnly":false}}'`,
    ],
    atOnce: `echo ${quoted(request(false))} | kubectl create -f -`,
    plain: `sh ${namespace}/${policy}/store/${id}/restore.sh --to DIRECTORY`,
  };
}
