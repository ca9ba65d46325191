/** Writes one annotation of an object that others write to as well. */
import type { KubeObject, Resource } from "../api/kinds.ts";
import { Failure, exitCodes } from "./failure.ts";
import type { Invocation } from "./verb.ts";

const attempts = 5;

/** @param next from the present value to the new one; null takes it away. @returns the object as it is afterwards */
export async function annotate<T extends KubeObject>(
  { cluster }: Invocation,
  resource: Resource,
  object: T,
  key: string,
  next: (present: string | undefined) => string | null,
): Promise<T> {
  const { namespace, name, uid } = object.metadata;
  const gone = (): Failure =>
    new Failure(
      exitCodes.notFound,
      `${resource.kind} ${name} was deleted meanwhile`,
      `kubectl -n ${namespace} get bpol,brun`,
    );
  let current: T = object;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const value = next(current.metadata.annotations?.[key]);
    const { resourceVersion } = current.metadata;
    const patch = { metadata: { resourceVersion, annotations: { [key]: value } } };
    const answer = await cluster.patch<T>(resource, namespace, name, patch);
    if (answer === "gone") throw gone();
    if (answer !== "conflict") return answer;
    const again = await cluster.get<T>(resource, namespace, name);
    // One of the same name that was made anew is not the one that was meant.
    if (again === undefined || again.metadata.uid !== uid) throw gone();
    current = again;
  }
  throw new Failure(
    exitCodes.notSo,
    `${resource.kind} ${name} changed ${attempts} times while it was to be written; nothing was changed`,
    "the same command again",
  );
}
