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
