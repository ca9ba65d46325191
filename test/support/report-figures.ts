/** What a suite has measured: printed among the results, and kept. */
import { type Figure, printFigures, writeFigures } from "../../demo/figures.ts";

export function reportFigures(figures: readonly Figure[]): void {
  process.stderr.write(`${printFigures(figures)}\n`);
  writeFigures(figures);
}
