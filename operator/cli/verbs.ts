/** The command table: one source for the program, its help, and docs/reference/cli.md. */
import { adopt } from "./adopt.ts";
import { hold, release } from "./hold.ts";
import { list } from "./list.ts";
import { now } from "./now.ts";
import { prune } from "./prune.ts";
import { show } from "./show.ts";
import { undelete } from "./undelete.ts";
import type { Verb } from "./verb.ts";

export const verbs: readonly Verb[] = [list, show, now, hold, release, undelete, prune, adopt];
