/** The id of a generation: `<seq, 6 digits>-<UTC time>-<type>`. The number orders; the time is a label, because clocks lie. */

/**
 * Full stands alone. Incremental holds what changed since the newest sealed generation with volumes, Differential since the
 * newest full one. Database holds the databases only, Config the volumes of class Config and the
 * ConfigMaps and keys of Secrets that the policy names, both captured while the app runs.
 */
export const generationTypes = ["Full", "Incremental", "Differential", "Database", "Config"] as const;
export type GenerationType = (typeof generationTypes)[number];

/** Whether generations of the type hold all the volumes, and so the state of the whole app. */
export const holdsVolumes = (type: GenerationType): boolean => type !== "Database" && type !== "Config";

export const holdsDatabases = (type: GenerationType): boolean => type !== "Config";

/** Whether the type is based on another generation; without one to base it on, a full one is made. */
export const needsBase = (type: GenerationType): boolean => type === "Incremental" || type === "Differential";

/**
 * What retention counts together: the states of the whole app, full or based on others, and each other type by itself.
 * @param type as in an id
 */
export const familyOf = (type: string): string =>
  ["full", "incremental", "differential"].includes(type) ? "app" : type;

export interface GenerationId {
  readonly seq: number;
  /** `20261121T010203Z` */
  readonly label: string;
  readonly type: string;
}

const pattern = /^([0-9]{6})-([0-9]{8}T[0-9]{6}Z)-([a-z]+)$/;

/** @param time RFC 3339 in UTC, `2026-11-21T01:02:03.456Z` */
export function formatGenerationId(seq: number, time: string, type: GenerationType): string {
  const label = `${time.slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  return `${String(seq).padStart(6, "0")}-${label}-${type.toLowerCase()}`;
}

/** @returns undefined for a name that is not an id: a foreign directory is never taken for a generation. */
export function parseGenerationId(id: string): GenerationId | undefined {
  const found = pattern.exec(id);
  if (found === null) return undefined;
  const [, seq = "", label = "", type = ""] = found;
  return { seq: Number(seq), label, type };
}

/** The type that an id names; undefined for a name that is not an id, and for a type of a newer release. */
export function typeOf(id: string): GenerationType | undefined {
  const type = parseGenerationId(id)?.type;
  return generationTypes.find((known) => known.toLowerCase() === type);
}

/** The moment that the label of an id names, RFC 3339 in UTC; undefined for a name that is not an id. */
export const timeOf = (id: string): string | undefined =>
  parseGenerationId(id)?.label.replace(/^(.{4})(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");
