/** Looks at a workload all the time, so that a test can say when it was not as it should be. */
import type { Bed, WorkloadBody } from "./bed.ts";

interface Look {
  /** Milliseconds since 1970, before the question and after the answer. */
  readonly asked: number;
  readonly answered: number;
  readonly up: boolean;
}

export interface AppWatch {
  readonly looks: readonly Look[];
  /** @returns the looks at which it was not up. */
  readonly stop: () => Promise<readonly Look[]>;
}

export function watchApp(bed: Bed, name: string, replicas = 1, kind = "Deployment"): AppWatch {
  const looks: Look[] = [];
  const end = new AbortController();
  const loop = (async (): Promise<void> => {
    while (!end.signal.aborted) {
      const asked = Date.now();
      const { spec, status } = await bed.get<WorkloadBody>(kind, name);
      const up = spec.replicas === replicas && status.readyReplicas === replicas;
      looks.push({ asked, answered: Date.now(), up });
      await new Promise((wake) => setTimeout(wake, 100));
    }
  })();
  return {
    looks,
    stop: async () => {
      end.abort();
      await loop;
      return looks.filter(({ up }) => !up);
    },
  };
}
