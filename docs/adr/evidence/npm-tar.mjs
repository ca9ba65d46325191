// What npm `tar` makes of a directory that GNU tar archives without loss. Run by run.sh in a directory where `tar` is installed.
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "tar";

const sh = (program, ...args) => execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const work = mkdtempSync(join(tmpdir(), "handover-evidence-"));
const source = join(work, "source");

const cases = {
  "20 directories, one file with a name in each of the first three": () => {
    for (let i = 0; i < 20; i++) {
      mkdirSync(join(source, `dir${100 + i}`));
      writeFileSync(join(source, `dir${100 + i}`, "own"), `own ${i}`);
    }
    writeFileSync(join(source, "dir100", "shared"), Buffer.alloc(1 << 20, "x"));
    for (const other of ["dir101", "dir102"]) linkSync(join(source, "dir100", "shared"), join(source, other, "shared"));
  },
  "a name that is not UTF-8": () => {
    writeFileSync(Buffer.concat([Buffer.from(`${source}/caf`), Buffer.from([0xe9])]), "latin 1");
    writeFileSync(join(source, "plain"), "plain");
  },
  "a named pipe": () => {
    sh("mkfifo", join(source, "pipe"));
  },
  "a sparse file of 64 MiB that uses no block": () => {
    writeFileSync(join(source, "sparse"), "");
    truncateSync(join(source, "sparse"), 64 << 20);
  },
  "a modification time with nanoseconds": () => {
    writeFileSync(join(source, "dated"), "text");
    sh("touch", "-d", "2026-11-21 01:02:03.123456789 UTC", join(source, "dated"));
  },
};

const gnu = ["--format=posix", "--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "--sparse"];

/** Extracts with GNU tar and says in which way the result is not the source: names, types, sizes, links; times where they are the case. */
function differences(archive, withTimes) {
  const target = join(work, "target");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  const said = [`${statSync(archive).size} bytes`];
  try {
    sh("tar", "-C", target, ...gnu.slice(1), "-xpf", archive);
  } catch (error) {
    said.push(`GNU tar cannot read it: ${error.stderr.trim().split("\n")[0]}`);
  }
  const format = withTimes ? "%P type %y size %s mtime %T@\\n" : "%P type %y size %s names %n\\n";
  const facts = (root) => sh("sh", "-c", 'cd "$1" && find . -not -type d -printf "$2" | sort', "sh", root, format);
  const before = facts(source).split("\n");
  const after = new Set(facts(target).split("\n"));
  const lost = before.filter((line) => !after.has(line));
  const blocks = (root) => Number(sh("du", "-s", "--block-size=1", root).split("\t")[0]);
  if (blocks(target) > blocks(source) + (1 << 20))
    said.push(`extracted it uses ${blocks(target)} bytes instead of ${blocks(source)}`);
  if (lost.length > 0)
    said.push(`${lost.length} of ${before.length - 1} entries are missing or different, first: ${lost[0]}`);
  return said.length === 1 ? `${said[0]}, equal` : said.join("; ");
}

const [name, tool] = process.argv.slice(2);
if (name === undefined) {
  // Each case in a process of its own: one of them never gets past its `await`.
  for (const [index, title] of Object.keys(cases).entries()) {
    process.stdout.write(`${title}\n`);
    for (const writer of ["npm tar", "GNU tar"]) {
      let outcome;
      try {
        outcome = execFileSync(process.execPath, [import.meta.filename, String(index), writer], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
          timeout: 60_000,
        }).trim();
      } catch (error) {
        outcome = `${error.stdout.trim()} (exit code ${error.status})`;
      }
      process.stdout.write(`  ${writer}: ${outcome}\n`);
    }
  }
  rmSync(work, { recursive: true });
} else {
  mkdirSync(source);
  const [title, prepare] = Object.entries(cases)[Number(name)];
  prepare();
  const archive = join(work, "archive.tar");
  let settled = false;
  process.on("exit", (code) => {
    const way = settled ? "" : `its promise never settled, the process ended by itself with exit code ${code}; `;
    process.stdout.write(`${way}${differences(archive, title.includes("time"))}\n`);
    rmSync(work, { recursive: true });
    process.exitCode = 0;
  });
  try {
    if (tool === "GNU tar") sh("tar", "-C", source, ...gnu, "-cf", archive, ".");
    else await create({ file: archive, cwd: source }, ["."]);
    settled = true;
  } catch (error) {
    process.stdout.write(`refused: ${error.message.split(work).join("")}; `);
    settled = true;
  }
}
