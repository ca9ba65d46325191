/** Numbers that look random and are the same each time, so that two runs of the bench measure the same data. */

export interface Random {
  /** At least 0, less than the limit. */
  readonly below: (limit: number) => number;
  /** At least 0, less than 1. */
  readonly fraction: () => number;
  /** Fills the buffer with what no compressor can make smaller. */
  readonly fill: (buffer: Uint8Array) => void;
}

/** xorshift128: fast enough for gigabytes. */
export function createRandom(seed: number): Random {
  const state = new Uint32Array([seed | 1, 0x9e3779b9, 0x243f6a88, 0xb7e15162 ^ seed]);
  const next = (): number => {
    let t = state[3]!;
    const s = state[0]!;
    state[3] = state[2]!;
    state[2] = state[1]!;
    state[1] = s;
    t ^= t << 11;
    t ^= t >>> 8;
    state[0] = t ^ s ^ (s >>> 19);
    return state[0];
  };
  for (let warm = 0; warm < 16; warm += 1) next();
  const fraction = (): number => next() / 2 ** 32;
  return {
    fraction,
    below: (limit) => Math.floor(fraction() * limit),
    fill: (buffer) => {
      const whole = Math.floor(buffer.byteLength / 4);
      const words = new Uint32Array(whole + 1);
      for (let index = 0; index <= whole; index += 1) words[index] = next();
      buffer.set(new Uint8Array(words.buffer, 0, buffer.byteLength));
    },
  };
}
