/** What is known of a mirror, and what a pass that trusts it looks at. */
import type { PlantedBug } from "../bug.ts";

const pass = "operator/mover/mirror/pass.ts";
const scan = "operator/mover/mirror/scan.ts";
const below = "operator/mover/mirror/below.ts";
const partialTest = "test/processes/mirror-partial.test.ts";
const brought = "what changed since the mirror was equal is brought over, and nothing else is looked at";
const compared = "everything is compared";

export const mirrorBugs: readonly PlantedBug[] = [
  {
    id: "inventory-kept-while-writing",
    breaks: "S11",
    what: "what a killed pass had brought, and the app has removed since, stays in the mirror and in every generation",
    file: pass,
    text: "await rm(stateFiles(job.stateDirectory, job.volume.name).source, { force: true });",
    becomes: "void (await Promise.resolve(job));",
    caughtBy: {
      file: partialTest,
      test: [compared, "after a pass that was killed: what it had brought may be gone before the next one looks"],
    },
  },
  {
    id: "selection-not-asked",
    breaks: "S11",
    what: "what a policy excludes since today stays in the mirror",
    file: pass,
    text: "const known = isNew || allContent || before?.selection !== selectionOf(job) ? undefined : before;",
    becomes: "const known = isNew || allContent ? undefined : before;",
    caughtBy: { file: partialTest, test: [compared, "when the selection is another one"] },
  },
  {
    id: "recent-not-compared",
    breaks: "S11",
    what: "an edit in the same tick of the clock, after the file was copied, is never seen",
    file: scan,
    text: "recent: [...recent, ...others] };",
    becomes: "recent: others };",
    caughtBy: {
      file: partialTest,
      test: [brought, "an edit that the inventory cannot tell, because it has the same times"],
    },
  },
  {
    id: "other-names-left-out",
    breaks: "S11",
    what: "a file with two names becomes two files when a directory is renamed",
    file: scan,
    text: "await otherNames(job, differences.now)",
    becomes: "await otherNames(job, [])",
    caughtBy: {
      file: partialTest,
      test: [brought, "a directory of another name, with a name of a file that has others elsewhere"],
    },
  },
  {
    id: "links-followed",
    breaks: "S14",
    what: "what an app's link leads to is removed, outside of the mirror",
    file: below,
    text: "directoryFlags | constants.O_NOFOLLOW",
    becomes: "directoryFlags",
    caughtBy: {
      file: partialTest,
      test: [brought, "a name below what is a link in the mirror leads nowhere"],
    },
  },
  {
    id: "directory-times-believed",
    breaks: "S11",
    what: "a directory keeps a wrong time in every generation, because rsync could not set it and said nothing",
    file: "operator/mover/mirror/directories.ts",
    text: "return off === 0n && mode === undefined ? undefined : { time: now.mtimeNs, off, mode };",
    becomes: "return mode === undefined ? undefined : { time: now.mtimeNs, off: 0n, mode };",
    caughtBy: {
      file: "test/processes/mirror-directories.test.ts",
      test: ["in a new mirror, in a pass over all of it and in one over what has changed"],
    },
  },
];
