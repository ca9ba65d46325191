/** The planted bugs as a table for docs/explanation/reliability.md. */
import type { PlantedBug } from "./bug.ts";

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);

/** @returns a table in Markdown, as prettier leaves it */
export function renderBugs(bugs: readonly PlantedBug[]): string {
  const rows = [
    ["bug", "what goes wrong", "breaks", "caught by"],
    ...bugs.map(({ id, what, breaks, caughtBy: { file, test } }) => [
      id,
      what,
      breaks,
      `${file.replace(/^test\//, "").replace(/\.test\.ts$/, "")}: ${test.at(-1)}`,
    ]),
  ].map((row) => row.map(cell));
  const widths = rows[0]?.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

const begin = "<!-- planted bugs: written by `make generate` -->";
const end = "<!-- end of planted bugs -->";

/** @returns the page with the table between its marks made anew. @throws when the marks are gone */
export function replaceBugs(page: string, bugs: readonly PlantedBug[]): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`the page has no ${begin}`);
  return `${before}${begin}\n\n${renderBugs(bugs)}\n\n${end}${after}`;
}
