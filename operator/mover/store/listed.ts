/** A line of a list, in the form in which `find` describes the same entry (`argvDescribe`), so that the two are compared as text. */
export interface Listed {
  readonly p?: string;
  readonly b64?: string;
  readonly t: string;
  readonly s?: number;
  readonly m: string;
  readonly u: number;
  readonly g: number;
  readonly mt: string;
  readonly i?: string;
  readonly n?: number;
  readonly l?: string;
  readonly lb64?: string;
  readonly x?: string;
  readonly h?: string;
  readonly in?: string;
}

/** What the seal has to know of a line. */
export interface LookedAt {
  /** As `find` describes the entry. */
  readonly record: string;
  readonly path: string;
  /** Digest of the content, when the generation of the list itself holds it. */
  readonly stored: string | undefined;
  /** Digest of the attributes. */
  readonly attributes: string | undefined;
  readonly size: number;
}

/** A file with one name or a directory, without attributes, whose name is of nothing but letters and the like: as most are. */
const plain =
  /^\{"v":"[^"\\]*","p":"([ !#-[\]-~]*)",(?:"t":"d"|"t":"f","s":([0-9]+)),"m":"([0-7]+)","u":([0-9]+),"g":([0-9]+),"mt":"([0-9]+)([0-9]{9})"(?:,"h":"([0-9a-f]{64})"(,"in":"[-0-9A-Za-z]+")?)?\}$/;

/** As `JSON.parse` and `describeListed` say, at half their price. */
export function lookAt(line: string): LookedAt {
  const found = plain.exec(line);
  if (found === null) {
    const listed: Listed = JSON.parse(line);
    const stored = listed.in === undefined ? listed.h : undefined;
    const path = pathOf(listed);
    return { record: describeListed(listed), path, stored, attributes: listed.x, size: listed.s ?? 0 };
  }
  const [, name = "", size, mode, user, group, seconds, nanoseconds, digest, holder] = found;
  const path = name === "." ? "" : name;
  const kind = size === undefined ? "d" : `f ${size}`;
  const record = `${kind} ${mode} ${user} ${group} ${seconds}.${nanoseconds}0 ${path}`;
  const stored = holder === undefined ? digest : undefined;
  return { record, path, stored, attributes: undefined, size: Number(size ?? 0) };
}

/** Bytes as latin1; "" is the root. */
export function pathOf({ p, b64 }: Listed): string {
  const path = bytesOf(p, b64);
  return path === "." ? "" : path;
}

const bytesOf = (text: string | undefined, raw: string | undefined): string =>
  raw === undefined
    ? Buffer.from(text ?? "", "utf8").toString("latin1")
    : Buffer.from(raw, "base64").toString("latin1");

export function describeListed(listed: Listed): string {
  const { t, s, m, u, g, mt, i, n, l, lb64 } = listed;
  const size = t === "f" ? ` ${s}` : "";
  const shared = i === undefined ? "" : ` ${i}/${n}`;
  const target = t === "l" ? `//${bytesOf(l, lb64)}` : "";
  return `${t}${size} ${m} ${u} ${g} ${timeOf(mt)}${shared} ${pathOf(listed)}${target}`;
}

/** @param nanoseconds since 1970 @returns seconds, and the ten digits that find prints of the fraction */
function timeOf(nanoseconds: string): string {
  if (/^[0-9]{10,}$/.test(nanoseconds)) return `${nanoseconds.slice(0, -9)}.${nanoseconds.slice(-9)}0`;
  const time = BigInt(nanoseconds);
  const fraction = ((time % billion) + billion) % billion;
  return `${(time - fraction) / billion}.${String(fraction).padStart(9, "0")}0`;
}

const billion = 1_000_000_000n;
