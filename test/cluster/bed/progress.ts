/** Says on the terminal what happens and how long it takes. Standard output stays free for answers. */

const started = performance.now();
const heartbeatMs = 20_000;

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** One step with its duration; a long one shows every 20 s that it is alive. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  say(`${clock()} ${title}`);
  const heartbeat = setInterval(() => say(`${clock()} ${title}: still at it, ${seconds(begin)}`), heartbeatMs);
  try {
    const value = await work();
    const took = performance.now() - begin;
    if (took > 1000) say(`${clock()} ${title}: done in ${seconds(begin)}`);
    return value;
  } finally {
    clearInterval(heartbeat);
  }
}

function clock(): string {
  return `[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s]`;
}

function seconds(begin: number): string {
  return `${((performance.now() - begin) / 1000).toFixed(1)} s`;
}
