#!/usr/bin/env node
/** The kubectl plugin: a file named kubectl-handover on the PATH. */

const oldest = 24;

// Loaded on demand: an older Node cannot even load the libraries, and ends with a page of their code.
if (Number(process.versions.node.split(".")[0]) >= oldest)
  await (await import("./program.ts")).runCliProcess(process.argv.slice(2));
else {
  process.stderr.write(`error: kubectl handover needs Node ${oldest} or newer, and this is ${process.version}\n`);
  process.exitCode = 1;
}
