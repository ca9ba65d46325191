/** Tells which paths of a volume a capture has left out, by the patterns that the manifest records. Pure. */

/**
 * Patterns are relative to the root of the volume; `*` matches inside one path segment, `**` across segments, and at the
 * beginning also nothing. What lies below a directory that is left out is left out with it.
 */
export interface Excludes {
  readonly matches: (path: string) => boolean;
  /** Number of segments below which no pattern can match any more; Infinity with `**`. */
  readonly depth: number;
}

/** Paths and patterns are bytes as latin1. */
export function compileExcludes(patterns: readonly string[]): Excludes {
  const expressions = patterns.map((pattern) => new RegExp(`^${translate(pattern)}$`, "s"));
  return {
    matches: (path) => expressions.some((expression) => expression.test(path)),
    depth: Math.max(0, ...patterns.map((pattern) => (pattern.includes("**") ? Infinity : pattern.split("/").length))),
  };
}

function translate(pattern: string): string {
  const anywhere = pattern.startsWith("**/");
  const body = (anywhere ? pattern.slice(3) : pattern).replaceAll(/\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : part.replaceAll(/[\\^$.+()[\]{}|]/g, String.raw`\$&`);
  });
  return anywhere ? `(?:.*/)?${body}` : body;
}
