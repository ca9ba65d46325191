/**
 * What the generation of a run is based on. The preflight of an incremental or a differential run decides it, it goes on record before
 * anything is stopped, and nothing but what is on record is ever passed on: whoever goes on after a crash makes the same generation.
 */
import type { BackupRun, RunStatus } from "../api/kinds.ts";
import type { ResultOf } from "../contract/result.ts";
import type { BaseRef } from "../contract/task.ts";
import { type GenerationType, holdsVolumes, needsBase, parseGenerationId, typeOf } from "../domain/generation.ts";
import type { DomainEvent } from "./decision.ts";

type RecordedBase = NonNullable<RunStatus["base"]>;
type Asked = Pick<BackupRun, "spec" | "status">;

/** The base of a run, or why what its preflight has said cannot be one. A run that needs none has neither. */
export type Judgement =
  | { readonly base?: RecordedBase; readonly trouble?: undefined }
  | { readonly base?: undefined; readonly trouble: string };

const digest = /^[0-9a-f]{64}$/;

/** Of a mover that is of another mind than this controller nothing is taken on trust: with a wrong base, the capture would fail while the app is down. */
export function judgeBase(asked: GenerationType, { base, lastSeq }: ResultOf<"preflight">): Judgement {
  if (!needsBase(asked)) return {};
  if (base === undefined) return { trouble: `the preflight did not say what the ${asked} generation is based on` };
  if ("full" in base) return { base: { full: base.full === "" ? "the preflight gave no reason" : base.full } };
  const type = typeOf(base.id);
  const isFit = type !== undefined && (asked === "Differential" ? type === "Full" : holdsVolumes(type));
  if (!isFit) return { trouble: `"${base.id}" is nothing that a ${asked} generation can be based on` };
  if ((parseGenerationId(base.id)?.seq ?? 0) > lastSeq)
    return { trouble: `"${base.id}" is newer than the newest generation, which is number ${lastSeq}` };
  if (!digest.test(base.manifestSHA256)) return { trouble: `the digest of ${base.id} is none` };
  return { base: { generation: base.id, manifestSHA256: base.manifestSHA256 } };
}

/** What is passed to the movers; nothing where a full generation is made. */
export function baseOf({ spec, status }: Asked): BaseRef | undefined {
  const { generation, manifestSHA256 } = status?.base ?? {};
  if (!needsBase(spec.type) || generation === undefined || manifestSHA256 === undefined) return undefined;
  return { id: generation, manifestSHA256 };
}

/** What is made, whatever was asked for. */
export const madeType = (run: Asked): GenerationType =>
  needsBase(run.spec.type) && baseOf(run) === undefined ? "Full" : run.spec.type;

/** For people who have asked for less and get a full generation; empty when they get what they have asked for. */
export const tellFull = ({ spec, status }: Asked): string =>
  status?.base?.full === undefined ? "" : `Full instead of ${spec.type}: ${status.base.full}`;

/** One event, when it is decided. */
export function baseEvents(run: BackupRun, after: RunStatus): readonly DomainEvent[] {
  const message = tellFull({ spec: run.spec, status: after });
  return message === "" || run.status?.base !== undefined ? [] : [{ type: "Normal", reason: "FullInstead", message }];
}
