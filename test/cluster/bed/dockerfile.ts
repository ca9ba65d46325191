/** What a Dockerfile depends on, as far as that can be told without running it. */

export interface Dependencies {
  /** Base images, without stages of the same file and without `scratch`. */
  readonly bases: readonly string[];
  /** Paths of the context that are copied in, as written; may hold wildcards. */
  readonly sources: readonly string[];
}

export function parseDockerfile(text: string, buildArgs: Readonly<Record<string, string>> = {}): Dependencies {
  const values: Record<string, string> = {};
  const stages = new Set<string>();
  const bases = new Set<string>();
  const sources = new Set<string>();
  for (const [keyword, ...words] of instructions(text)) {
    const flags = words.filter((word) => word.startsWith("--"));
    const rest = words.filter((word) => !word.startsWith("--"));
    switch ((keyword ?? "").toUpperCase()) {
      case "ARG": {
        const [name, value] = split(rest[0] ?? "");
        values[name] = buildArgs[name] ?? value;
        break;
      }
      case "FROM": {
        const base = (rest[0] ?? "").replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => values[name] ?? "");
        if (base !== "scratch" && !stages.has(base)) bases.add(base);
        if (rest[1]?.toUpperCase() === "AS" && rest[2] !== undefined) stages.add(rest[2]);
        break;
      }
      case "COPY":
      case "ADD":
        if (!flags.some((flag) => flag.startsWith("--from=")))
          for (const source of rest.slice(0, -1)) sources.add(source);
        break;
      default:
    }
  }
  return { bases: [...bases], sources: [...sources] };
}

/** Instructions as words: comments dropped, continued lines joined, the JSON form of COPY unwrapped. */
function instructions(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => line.replaceAll(/[[\],"]/g, " ").split(/\s+/));
}

function split(assignment: string): [string, string] {
  const at = assignment.indexOf("=");
  return at < 0 ? [assignment, ""] : [assignment.slice(0, at), assignment.slice(at + 1)];
}

/** The Debian suite of a base image that can be made here: `debian:forky-slim`, `docker.io/library/debian:trixie`. */
export function debianSuite(image: string): string | undefined {
  return /^(?:docker\.io\/)?(?:library\/)?debian:([a-z]+)(?:-slim)?$/.exec(image)?.[1];
}

/** `handover/handover:dev` as registries and containerd name it in full. */
export function fullName(image: string): string {
  const tagged = image.lastIndexOf(":") > image.lastIndexOf("/") ? image : `${image}:latest`;
  const [first, ...rest] = tagged.split("/");
  if (rest.length === 0) return `docker.io/library/${tagged}`;
  return /[.:]/.test(first ?? "") || first === "localhost" ? tagged : `docker.io/${tagged}`;
}
