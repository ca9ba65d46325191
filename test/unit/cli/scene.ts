/** A policy with two sinks and what a week has left: a chain, a copy that waits, one that is pruned, one that is held. */
import type { BackupPolicy, BackupRun, RunStatus } from "../../../operator/api/kinds.ts";
import { aPolicy, aRun, schedule, sink } from "../../support/builders.ts";

type Copy = NonNullable<RunStatus["copies"]>[number];
const copy = (location: string, state: Copy["state"], change: Partial<Copy> = {}): Copy => ({
  location,
  state,
  required: location !== "offsite",
  time: "2026-11-28T02:10:00Z",
  ...change,
});

interface Made {
  readonly id: string;
  readonly type: string;
  readonly parent?: string;
  readonly storedBytes: number;
  readonly result?: "Complete" | "AtRisk";
  readonly copies: readonly Copy[];
  readonly change?: RunStatus;
}

export function made(
  name: string,
  created: string,
  { id, type, parent = "", storedBytes, result = "Complete", copies, change = {} }: Made,
): BackupRun {
  const generation = {
    id,
    type,
    parent,
    sealedAt: created,
    bytes: storedBytes * 2,
    storedBytes,
    files: 10,
    tables: 3,
    manifestSHA256: "ab".repeat(32),
    consistency: "Quiesced",
  };
  return aRun(name)
    .created(created)
    .finished(result, id, { app: "Up", copies, generation, ...change })
    .build();
}

const kept = (id: string, why: string): { readonly id: string; readonly why: string } => ({ id, why });

export const full40 = "000040-20261126T020000Z-full";
export const incremental41 = "000041-20261127T020000Z-incremental";
export const incremental42 = "000042-20261128T020000Z-incremental";
export const dump43 = "000043-20261129T110000Z-database";

export const scene = (): { readonly policy: BackupPolicy; readonly runs: readonly BackupRun[] } => ({
  policy: aPolicy()
    .sinks(sink("vault"), sink("offsite", { required: false }))
    .schedules(schedule("weekly", "0 3 * * 0"), schedule("hourly", "0 * * * *", { type: "Database", sinks: ["vault"] }))
    .status({
      pendingHandovers: 1,
      locations: [
        {
          name: "source",
          generations: 3,
          verified: 3,
          bytes: 5_000_000,
          freeBytes: 9_000_000,
          oldest: full40,
          newest: dump43,
          observedAt: "2026-11-29T11:00:00Z",
        },
        {
          name: "vault",
          generations: 5,
          verified: 4,
          bytes: 7_000_000,
          freeBytes: 9_000_000,
          oldest: "000038-20261124T020000Z-full",
          newest: dump43,
          observedAt: "2026-11-29T11:00:00Z",
        },
      ],
    })
    .build(),
  runs: [
    made("shop-old", "2026-11-25T02:00:00Z", {
      id: "000039-20261125T020000Z-full",
      type: "Full",
      storedBytes: 4_000_000,
      copies: [copy("source", "Pruned"), copy("vault", "Pruned", { time: "2026-11-29T02:10:00Z" })],
    }),
    made("shop-full", "2026-11-26T02:00:00Z", {
      id: full40,
      type: "Full",
      storedBytes: 4_000_000,
      copies: [copy("source", "Verified"), copy("vault", "Verified"), copy("offsite", "Verified")],
    }),
    made("shop-incr-1", "2026-11-27T02:00:00Z", {
      id: incremental41,
      type: "Incremental",
      parent: full40,
      storedBytes: 500_000,
      copies: [copy("source", "Verified"), copy("vault", "Verified"), copy("offsite", "Missing", { code: "HO-T501" })],
    }),
    made("shop-incr-2", "2026-11-28T02:00:00Z", {
      id: incremental42,
      type: "Incremental",
      parent: incremental41,
      storedBytes: 600_000,
      result: "AtRisk",
      copies: [copy("source", "Verified"), copy("vault", "Stored", { code: "HO-V602" }), copy("offsite", "Verified")],
      change: {
        advice:
          "HO-V602 The copy is not there. App: running. Data: generation 000042 is sealed at the source. Next: kubectl -n shop get brun",
        steps: [
          {
            name: "Prune/source",
            state: "Done",
            finishedAt: "2026-11-28T02:20:00Z",
            result: {
              of: [
                {
                  version: 1,
                  ok: true,
                  step: "prune",
                  location: { name: "source", uuid: "u", generations: 3, verified: 3, bytes: 1, freeBytes: 1 },
                  settled: [],
                  pending: 1,
                  removed: [],
                  kept: [kept(incremental42, "a required sink has not verified it"), kept(incremental41, "last 2")],
                },
              ],
            },
          },
        ],
      },
    }),
    made("shop-dump", "2026-11-29T11:00:00Z", {
      id: dump43,
      type: "Database",
      storedBytes: 90_000,
      copies: [copy("source", "Verified"), copy("vault", "Verified")],
    }),
    aRun("shop-broken")
      .created("2026-11-29T09:00:00Z")
      .finished("Failed", undefined, {
        app: "Up",
        phase: "Done",
        advice:
          "HO-P102 x does not exist. App: running, not touched. Data: nothing was written. Next: kubectl -n shop get pvc",
      })
      .build(),
  ],
});
