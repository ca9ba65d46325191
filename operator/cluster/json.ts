/** Reading JSON whose shape is the API server's word, not ours. */

/** The value at the path, undefined where the path ends early. */
export const field = (value: unknown, ...path: readonly string[]): unknown => {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined;
  }
  return at;
};

export const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** The parsed JSON, undefined when it is none. */
export const parseJson = (source: string): unknown => {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/**
 * Whether both are the same once they are written as JSON, where what is undefined is absent and the order of keys says nothing. Asked of
 * every status at every pass, so it makes nothing on the way.
 */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => isSameJson(item, b[at]))
    );
  let more = 0;
  for (const key in a) {
    if (a[key] === undefined) continue;
    if (!isSameJson(a[key], b[key])) return false;
    more += 1;
  }
  for (const key in b) if (b[key] !== undefined) more -= 1;
  return more === 0;
}
