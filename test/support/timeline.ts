/** When things became visible in the API, by watches of a test's own, in milliseconds since 1970. */
import { type Bed, type WorkloadBody, pathOf } from "./bed.ts";

export interface Timeline {
  /** Replicas that the spec of a Deployment asked for, each with when it began to. */
  readonly scales: readonly { readonly at: number; readonly name: string; readonly replicas: number }[];
  /** Containers of movers that have ended, by their first sight. */
  readonly ends: readonly {
    readonly at: number;
    readonly pod: string;
    readonly container: string;
    readonly code: number;
  }[];
  readonly stop: () => Promise<void>;
}

interface PodBody {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly state?: { readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

export function watchTimeline(bed: Bed): Timeline {
  const scales: Timeline["scales"][number][] = [];
  const ends: Timeline["ends"][number][] = [];
  const end = new AbortController();
  const watches = [
    bed.api.watch(
      pathOf("Deployment", bed.namespace),
      (_type, object) => {
        const { metadata, spec } = object as unknown as WorkloadBody & { readonly metadata: { readonly name: string } };
        if (scales.findLast(({ name }) => name === metadata.name)?.replicas !== spec.replicas)
          scales.push({ at: Date.now(), name: metadata.name, replicas: spec.replicas });
      },
      end.signal,
    ),
    bed.api.watch(
      `${pathOf("Pod", bed.namespace)}?labelSelector=backup.handover.dev/step`,
      (_type, object) => {
        const { metadata, status } = object as unknown as PodBody;
        for (const { name: container, state } of status?.containerStatuses ?? []) {
          const code = state?.terminated?.exitCode;
          if (code === undefined) continue;
          if (ends.some((one) => one.pod === metadata.name && one.container === container)) continue;
          ends.push({ at: Date.now(), pod: metadata.name, container, code });
        }
      },
      end.signal,
    ),
  ];
  return {
    scales,
    ends,
    stop: async () => {
      end.abort();
      await Promise.all(watches);
    },
  };
}
