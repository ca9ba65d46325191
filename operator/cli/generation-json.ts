/** A generation as -o json shows it. Fields are only added, never renamed. */
import type { Instant } from "../domain/instant.ts";
import type { Generation } from "./catalogue.ts";
import { isExpired } from "./hold-text.ts";
import { exactTime } from "./table.ts";

export function generationJson(generation: Generation, now: Instant): Readonly<Record<string, unknown>> {
  const { run, hold, takenBack } = generation;
  const recorded = run.status?.generation;
  return {
    id: generation.id,
    seq: generation.seq,
    namespace: generation.namespace,
    policy: generation.policy,
    type: generation.type,
    parent: generation.parent,
    chain: generation.chain,
    time: generation.time === undefined ? null : exactTime(generation.time),
    sealedAt: recorded?.sealedAt ?? null,
    consistency: recorded?.consistency ?? null,
    bytes: recorded?.bytes ?? null,
    storedBytes: recorded?.storedBytes ?? null,
    files: recorded?.files ?? null,
    tables: recorded?.tables ?? null,
    manifestSHA256: recorded?.manifestSHA256 ?? null,
    copies: generation.copies.map(({ location, state, required, counts, time, code }) => ({
      location,
      state,
      required,
      counts,
      time: time ?? null,
      code: code ?? null,
    })),
    restorableFrom: generation.restorableFrom,
    hold: hold === undefined ? null : { until: hold.until, reason: hold.reason, expired: isExpired(hold, now) },
    takenBack: takenBack.map(({ location, until, ...rest }) => ({
      location,
      until,
      expired: isExpired({ until, ...rest }, now),
    })),
    run: run.metadata.name,
    result: run.status?.result ?? "",
  };
}
