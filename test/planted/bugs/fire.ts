/** What a death or a failing disk does at one of the calls of a step: most of it was found by the suites of faults. */
import type { PlantedBug } from "../bug.ts";

const transportTest = "test/unit/mover-sink/transport.test.ts";
const settlingTest = "test/store/fire-verify.test.ts";
const fire = (scenario: string): readonly [string, string] => [
  "a fault at any system call",
  `${scenario}: never a half generation in view, none lost, nothing left over`,
];

export const fireBugs: readonly PlantedBug[] = [
  {
    id: "marker-outlives-its-copy",
    breaks: "S16",
    what: "the marker of a copy that got lost calls the next one verified, which nobody has read",
    file: "operator/mover/steps/transport.ts",
    text: '    if (reaches(generation, markers, "None")) await removeMarker(target.layout, generation.id);\n',
    becomes: "",
    caughtBy: {
      file: transportTest,
      test: [
        "a copy that got lost leaves its marker: the one that is brought in its place counts when it was read, not before",
      ],
    },
  },
  {
    id: "failed-sync-forgotten",
    breaks: "S11",
    what: "what a disk could not write is taken for written by the next attempt",
    file: "operator/mover/store/delivery.ts",
    text: "if (!signal.aborted) await rm(staged,",
    becomes: "if (signal.aborted) await rm(staged,",
    caughtBy: {
      file: transportTest,
      test: [
        "what a sink could not write to its disk is no leftover: the kernel may have dropped it, and says so only once",
      ],
    },
  },
  {
    id: "marker-after-its-copy",
    breaks: "S16",
    what: "a death between a damaged copy and its marker leaves the marker",
    file: "operator/mover/store/presence.ts",
    text: "  await removeMarker(layout, id);\n  await renameNew(join(layout.store, id), join(layout.damaged, name));\n",
    becomes:
      "  await renameNew(join(layout.store, id), join(layout.damaged, name));\n  await removeMarker(layout, id);\n",
    caughtBy: { file: settlingTest, test: fire("verify") },
  },
  {
    id: "damaged-copy-for-ever",
    breaks: "S20",
    what: "a death in a removal leaves a damaged copy that nobody ever removes",
    file: "operator/mover/store/removal.ts",
    text: "  await removeDamaged(layout, generation.id);\n  await renameNew(generation.path, doomed);\n",
    becomes: "  await renameNew(generation.path, doomed);\n  await removeDamaged(layout, generation.id);\n",
    caughtBy: { file: settlingTest, test: fire("prune-sink") },
  },
  {
    id: "inventory-before-its-counts",
    breaks: "S28",
    what: "after a death between the two, what a mirror is said to hold is wrong until the next full generation",
    file: "operator/mover/mirror/pass.ts",
    text: "      await writeState(job, { ...state, bytes, files, newest: scan.newest, foreign: scan.foreign });\n      await keepInventory(freshInventory(job), source, signal);\n",
    becomes:
      "      await keepInventory(freshInventory(job), source, signal);\n      await writeState(job, { ...state, bytes, files, newest: scan.newest, foreign: scan.foreign });\n",
    caughtBy: { file: "test/store/fire-archive.test.ts", test: fire("archive") },
  },
  {
    id: "list-newer-than-its-inventory",
    breaks: "L2",
    what: "after a death between the two, what has gone since stays in the list, and no capture succeeds",
    file: "operator/mover/mirror/state-list.ts",
    text: "    await rm(files.inventory, { force: true });\n",
    becomes: "",
    caughtBy: { file: "test/store/fire-archive.test.ts", test: fire("archive") },
  },
];
