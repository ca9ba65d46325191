#!/usr/bin/env node
/** The kubectl plugin: a file named kubectl-handover on the PATH. */
import { tooOld } from "./node-version.ts";

// Loaded on demand: an older Node cannot even load the libraries, and ends with a page of their code.
const trouble = tooOld(process.version);
if (trouble === undefined) await (await import("./program.ts")).runCliProcess(process.argv.slice(2));
else {
  process.stderr.write(trouble);
  process.exitCode = 1;
}
