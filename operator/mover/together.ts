/** Several pieces of work at once, of which none outlives the failure of another. */

/**
 * @param start begins the work with a signal that aborts when one piece fails, or from outside
 * @throws the first failure, after every piece has ended: nothing may still write when it is reported
 */
export async function together<T extends readonly unknown[]>(
  abort: AbortSignal,
  start: (signal: AbortSignal) => { readonly [K in keyof T]: Promise<T[K]> },
): Promise<{ -readonly [K in keyof T]: T[K] }> {
  const stop = new AbortController();
  const pieces = start(AbortSignal.any([abort, stop.signal]));
  try {
    return (await Promise.all(pieces)) as { -readonly [K in keyof T]: T[K] };
  } finally {
    stop.abort();
    await Promise.allSettled(pieces);
  }
}
