/** The advice of a run is one line; people read it better as four. */
import { plain } from "./table.ts";

/** The code with what happened, then App, Data and Next, each on a line of its own. */
export const adviceLines = (advice: string, indent = ""): string =>
  plain(advice)
    .split(/\.? (?=(?:App|Data|Next): )/)
    .map((part, at) => `${indent}${at === 0 ? "" : "  "}${part}\n`)
    .join("");
