/**
 * In which order suites begin. jest knows how long they take only where it has run them before, which a fresh clone has not, and goes
 * by their size; of those that run side by side, a short text that takes long must not be the last. In JavaScript, because the types
 * of the sequencer speak of its CommonJS build alone.
 */
import Sequencer from "@jest/test-sequencer";

const long =
  /\/(?:kills-movers|bad-input|kills-controller|search|calls|fire-[a-z]+|damages|full-disk|calendar-week|calendar-year)\.test\.ts$/;

export default class LongFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return [...sorted.filter(({ path }) => long.test(path)), ...sorted.filter(({ path }) => !long.test(path))];
  }
}
