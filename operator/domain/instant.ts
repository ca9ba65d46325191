/** Moments as milliseconds since 1970, and RFC 3339 in UTC as Kubernetes writes them. Arithmetic only: no clock is read here. */

export type Instant = number;

const day = 86_400_000;

/** Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
function daysFromCivil(year: number, month: number, dayOfMonth: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + dayOfMonth - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** @returns undefined when the text is not RFC 3339. */
export function parseInstant(text: string | undefined): Instant | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i.exec(text ?? "");
  if (found === null) return undefined;
  const [, year, month, dayOfMonth, hour, minute, second, fraction = ".0", zone = "Z"] = found;
  const [years, months, days] = [Number(year), Number(month), Number(dayOfMonth)];
  const leap = years % 4 === 0 && (years % 100 !== 0 || years % 400 === 0);
  const lastDay = months === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(months) ? 30 : 31;
  if (months < 1 || months > 12 || days < 1 || days > lastDay) return undefined;
  // A leap second is the first second of the next minute.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const offset =
    zone.length === 1 ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))) * 60_000;
  const clock =
    Number(hour) * 3_600_000 +
    Number(minute) * 60_000 +
    Number(second) * 1_000 +
    Math.trunc(Number(`0${fraction}`) * 1_000);
  return daysFromCivil(years, months, days) * day + clock - offset;
}

/** `2026-11-21T01:02:03.456Z` */
export function formatInstant(at: Instant): string {
  const days = Math.floor(at / day);
  const rest = at - days * day;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const pad = (value: number, width = 2): string => String(value).padStart(width, "0");
  const clock = `${pad(Math.floor(rest / 3_600_000))}:${pad(Math.floor(rest / 60_000) % 60)}:${pad(Math.floor(rest / 1_000) % 60)}.${pad(Math.floor(rest) % 1_000, 3)}`;
  return `${pad(year, 4)}-${pad(month)}-${pad(dayOfMonth)}T${clock}Z`;
}

/** Milliseconds from one recorded moment to another; undefined while one of them is missing. */
export function elapsed(from: string | undefined, to: string | undefined): number | undefined {
  const start = parseInstant(from);
  const end = parseInstant(to);
  return start === undefined || end === undefined ? undefined : Math.max(0, end - start);
}
