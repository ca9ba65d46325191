/** Command lines of getfattr, which reads what Node cannot: extended attributes. */
import type { Argv } from "../exec.ts";

/**
 * All attributes of the entries whose names come NUL-separated on standard input, none of them as a link. The names begin with
 * a dot, so none is an option; xargs adds them, because Node cannot pass arguments that are not UTF-8.
 */
export const argvListAttributes = (): Argv => [
  "xargs",
  "--null",
  "--no-run-if-empty",
  "getfattr",
  "--no-dereference",
  "--dump",
  "--match=-",
  "--encoding=hex",
  "--absolute-names",
  "--",
];
