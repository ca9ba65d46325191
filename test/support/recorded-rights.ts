/** A connection to an API server of a few objects, that writes down which rights each request would need. */
import type { KubeObject } from "../../operator/api/kinds.ts";
import type { Connection, RawRequest } from "../../operator/cluster/connection.ts";

/** `group/resource` or `group/resource/subresource` -> verbs. The core group is called `core`. */
export type Rights = Readonly<Record<string, readonly string[]>>;

const address =
  /^\/(?:api|apis\/(?<group>[^/]+))\/[^/]+(?:\/namespaces\/[^/]+)?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<sub>[^/]+))?)?$/;

/** How the API server names the request when it asks the authorizer. */
function rightOf({ method, path, query }: Omit<RawRequest, "signal">): readonly [resource: string, verb: string] {
  const found = address.exec(path)?.groups;
  if (found === undefined) throw new Error(`not the path of a resource: ${path}`);
  const resource = [found["group"] ?? "core", found["plural"], found["sub"]].filter(Boolean).join("/");
  const reading = found["name"] !== undefined ? "get" : query?.["watch"] === "true" ? "watch" : "list";
  const verbs = { GET: reading, POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
  return [resource, verbs[method]];
}

export function sortRights(pairs: Iterable<readonly [resource: string, verb: string]>): Rights {
  const found = new Map<string, Set<string>>();
  for (const [resource, verb] of pairs) found.set(resource, (found.get(resource) ?? new Set()).add(verb));
  return Object.fromEntries(
    [...found]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([resource, verbs]) => [resource, [...verbs].toSorted()] as const),
  );
}

export interface RecordingConnection extends Connection {
  readonly rights: () => Rights;
}

/** @param objects by collection, such as `backupruns`; every namespace has the same ones. */
export function recordRights(objects: Readonly<Record<string, readonly KubeObject[]>>): RecordingConnection {
  const asked: (readonly [string, string])[] = [];
  let version = 1_000;

  const answer = ({ method, path, body }: RawRequest): { readonly status: number; readonly body: unknown } => {
    const { plural = "", name } = address.exec(path)?.groups ?? {};
    const list = objects[plural] ?? [];
    const object = list.find(({ metadata }) => metadata.name === name);
    const absent = { kind: "Status", status: "Failure", reason: "NotFound", code: 404, details: { name } };
    if (method === "GET" && name === undefined)
      return { status: 200, body: { metadata: { resourceVersion: String(version) }, items: list } };
    if (method === "GET") return object === undefined ? { status: 404, body: absent } : { status: 200, body: object };
    version += 1;
    const sent = (body ?? {}) as Partial<KubeObject>;
    const taken = method === "POST" && list.some(({ metadata }) => metadata.name === sent.metadata?.name);
    if (taken) return { status: 409, body: { ...absent, reason: "AlreadyExists", code: 409 } };
    const metadata = { uid: "sent", namespace: "shop", ...sent.metadata, resourceVersion: String(version) };
    return { status: 200, body: { ...object, ...sent, metadata: { ...object?.metadata, ...metadata } } };
  };

  return {
    rights: () => sortRights(asked),
    async send(request) {
      asked.push(rightOf(request));
      const { status, body } = answer(request);
      const quiet = request.query?.["watch"] === "true";
      const content = {
        text: async () => JSON.stringify(body),
        // A watch of a world in which nothing happens.
        async *[Symbol.asyncIterator]() {
          if (!quiet) yield Buffer.from(JSON.stringify(body));
          await new Promise<void>((resolve) => {
            if (request.signal.aborted) resolve();
            request.signal.addEventListener("abort", () => resolve(), { once: true });
          });
        },
      };
      const response = { statusCode: status, headers: {}, body: content };
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of a response as is used
      return response as unknown as Awaited<ReturnType<Connection["send"]>>;
    },
    close: async () => undefined,
  };
}
