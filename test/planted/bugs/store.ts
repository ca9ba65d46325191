/** What lies on disk: seal, transport, verification, prune. */
import type { PlantedBug } from "../bug.ts";

const pruneTest = "test/unit/mover-sink/prune.test.ts";
const verifyTest = "test/unit/mover-sink/verify.test.ts";
const listingTest = "test/store/listing.test.ts";

export const storeBugs: readonly PlantedBug[] = [
  {
    id: "seal-before-sync",
    breaks: "S11",
    what: "a generation comes into view before its bytes are on the disk",
    file: "operator/mover/steps/seal.ts",
    text: "  await syncFilesystem(staging, context.abort);\n",
    becomes: "",
    caughtBy: {
      file: "test/processes/backup-seal.test.ts",
      test: ["the seal", "makes no generation of what cannot be made durable"],
    },
  },
  {
    id: "delivery-before-sync",
    breaks: "S11, S16",
    what: "a copy comes into view at the sink before its bytes are on the disk",
    file: "operator/mover/store/delivery.ts",
    text: "  await syncFilesystem(staged, signal);\n",
    becomes: "",
    caughtBy: {
      file: "test/processes/durability.test.ts",
      test: ["a copy at a sink", "comes into view when all of its bytes are on the disk"],
    },
  },
  {
    id: "small-file-not-synced",
    breaks: "S11",
    what: "a manifest is renamed into place before it is on the disk",
    file: "operator/mover/store/durable.ts",
    text: "      await file.sync();\n",
    becomes: "",
    caughtBy: {
      file: "test/processes/durability.test.ts",
      test: ["a small file gets its name when it is on the disk, and the name is written after it"],
    },
  },
  {
    id: "rename-not-synced",
    breaks: "S11",
    what: "a seal that was reported is gone after a power cut",
    file: "operator/mover/store/durable.ts",
    text: "  await syncDirectory(dirname(to));\n",
    becomes: "",
    caughtBy: {
      file: "test/processes/durability.test.ts",
      test: [
        "a copy at a sink",
        "and stays in view: the directories are written, too, where it came to and where it went from",
      ],
    },
  },
  {
    id: "rename-overwrites",
    breaks: "S12",
    what: "a rename replaces what has the name already",
    file: "operator/mover/store/durable.ts",
    text: '  if (await exists(to)) throw new MoverError("HO-A404", `${to} exists already`);\n',
    becomes: "",
    caughtBy: { file: listingTest, test: ["durable writes", "never replace a directory"] },
  },
  {
    id: "verify-by-size",
    breaks: "S11, S16",
    what: "a copy of the right length counts as the same",
    file: "operator/mover/store/contents.ts",
    text: "if (found.size !== file.size || found.sha256 !== file.sha256)",
    becomes: "if (found.size !== file.size)",
    caughtBy: {
      file: "test/unit/mover-sink/verify.test.ts",
      test: ["a copy that differs is set aside, the others stay", "a flipped bit"],
    },
  },
  {
    id: "marker-of-another-manifest",
    breaks: "S16",
    what: "a mark of verification counts for whatever lies under the id by now",
    file: "operator/mover/store/markers.ts",
    text: `    marker.removedAt === undefined &&
    marker.manifestSHA256 === generation.manifestSHA256 &&
`,
    becomes: "    marker.removedAt === undefined &&\n",
    caughtBy: {
      file: verifyTest,
      test: ["what is marked is not read again, unless the marker is for another manifest"],
    },
  },
  {
    id: "sample-is-full",
    breaks: "S16, S28",
    what: "a copy of which a tenth was read counts as read in full",
    file: "operator/mover/store/markers.ts",
    text: "{ None: 0, Sample: 1, Full: 2 }",
    becomes: "{ None: 0, Sample: 2, Full: 2 }",
    caughtBy: {
      file: verifyTest,
      test: ["a sample or a look does not count as verified, and Full reads everything afterwards"],
    },
  },
  {
    id: "exit-code-of-the-last",
    breaks: "S15",
    what: "of a pipeline only the exit code of the last program counts",
    file: "operator/mover/exec.ts",
    text: "(isOk(result.code, stages[index]) ? [] : [{ result, index }])",
    becomes: "(isOk(result.code, stages[index]) || index < ended.length - 1 ? [] : [{ result, index }])",
    caughtBy: { file: "test/unit/mover/exec.test.ts", test: ["a pipeline", "fails when the first one fails"] },
  },
  {
    id: "dump-not-decoded",
    breaks: "S11",
    what: "the seal looks at the table of contents of a dump only",
    file: "operator/mover/tools/pg.ts",
    text: `  "--file=/dev/null",
`,
    becomes: `  "--list",
`,
    caughtBy: {
      file: "test/processes/backup-databases.test.ts",
      test: ["the seal of a dump", "refuses a table that was truncated before it was hashed"],
    },
  },
  {
    id: "part-of-another-pod",
    breaks: "S13",
    what: "the seal takes what another pod of the Job has captured",
    file: "operator/mover/store/capture-parts.ts",
    text: "part.seq !== task.seq || part.podUID !== task.stagingPodUID",
    becomes: "part.seq !== task.seq",
    caughtBy: {
      file: "test/processes/backup-seal.test.ts",
      test: ["a second pod of the same Job", "leaves nothing that the seal would take for the first one's"],
    },
  },
  {
    id: "mirror-not-ours",
    breaks: "S13",
    what: "what another pod has written into the mirror since is sealed",
    file: "operator/mover/store/claim.ts",
    text: "if (now?.seq !== owner.seq || now.podUID !== owner.podUID || !now.done) throw busy(now);",
    becomes: "if (now?.seq !== owner.seq) throw busy(now);",
    caughtBy: {
      file: "test/processes/backup-seal.test.ts",
      test: [
        "a second pod of the same Job",
        "that takes over from a dead one keeps the dead one's work from being sealed",
      ],
    },
  },
  {
    id: "listing-error-is-empty",
    breaks: "S19",
    what: "a store that cannot be listed counts as empty",
    file: "operator/mover/store/listing.ts",
    text: "(await readdir(directory)).toSorted()",
    becomes: "(await readdir(directory).catch(() => [])).toSorted()",
    caughtBy: { file: listingTest, test: ["listing", "that fails is an error, never an empty list"] },
  },
  {
    id: "emptiness-believed",
    breaks: "S19",
    what: "a store that was emptied behind our back is nothing to worry about",
    file: "operator/mover/retention/view.ts",
    text: "if (listing.generations.length === 0 && newest !== undefined)",
    becomes: "if (listing.generations.length === 0 && newest === undefined)",
    caughtBy: {
      file: "test/unit/mover-sink/prune.test.ts",
      test: ["any doubt freezes", "emptiness where something was"],
    },
  },
  {
    id: "emptied-share-is-new",
    breaks: "S19",
    what: "a share that was emptied or is not mounted becomes a new store",
    file: "operator/mover/store/sentinel.ts",
    text: `  if (options.expectedUuid !== undefined)
    throw refuse(
      \`handover.json is missing`,
    becomes: `  if (options.expectedUuid === "")
    throw refuse(
      \`handover.json is missing`,
    caughtBy: {
      file: "test/store/sentinel.test.ts",
      test: ["a store", "that was emptied or not mounted is refused and stays empty"],
    },
  },
  {
    id: "prune-by-name",
    breaks: "S20",
    what: "generations of a former policy of the same name are pruned with ours",
    file: "operator/mover/retention/view.ts",
    text: "manifest.lineage.policyUID === task.policyUID",
    becomes: "manifest.lineage.policy === task.policy",
    caughtBy: {
      file: pruneTest,
      test: ["any doubt freezes", "generations of a former policy are left alone and do not count"],
    },
  },
  {
    id: "damaged-by-prefix",
    breaks: "S20",
    what: "removing one generation removes what others have set aside, by the beginning of the name",
    file: "operator/mover/store/removal.ts",
    text: 'if (name.replace(/-[0-9]+$/, "") === id)',
    becomes: "if (name.startsWith(id.slice(0, 4)))",
    caughtBy: {
      file: "test/unit/mover-sink/prune.test.ts",
      test: [
        "what is present is told in few bytes",
        "after a removal whose report got lost, and with what was set aside",
      ],
    },
  },
  {
    id: "trash-of-strangers",
    breaks: "S20",
    what: "whatever lies in the trash is deleted",
    file: "operator/mover/store/removal.ts",
    text: "if (isGone(name) || isTemporary(name)) await rm",
    becomes: "await rm",
    caughtBy: { file: pruneTest, test: ["at a sink", "trash of an earlier crash is removed, strangers in it are not"] },
  },
  {
    id: "settled-before-verified",
    breaks: "S18",
    what: "the source gives up what a sink has, but nobody has checked there",
    file: "operator/mover/store/settlement.ts",
    text: "if (!reaches({ id, manifestSHA256 }, markers, verify)) return false;",
    becomes: "",
    caughtBy: {
      file: pruneTest,
      test: ["at the source", "settles only what every required sink has verified, oldest first"],
    },
  },
  {
    id: "older-writer-goes-on",
    breaks: "S13",
    what: "a transport of an older run writes beside a newer one",
    file: "operator/mover/store/presence.ts",
    text: "if (highest > seq)",
    becomes: "if (highest > seq + 1)",
    caughtBy: {
      file: "test/unit/mover-sink/transport.test.ts",
      test: ["refused before anything is written", "a higher number in the lineage"],
    },
  },
  {
    id: "conflict-overwritten",
    breaks: "S12",
    what: "another generation under the same id at the sink is taken for ours",
    file: "operator/mover/steps/transport.ts",
    text: "if (present.manifestSHA256 !== generation.manifestSHA256)",
    becomes: "if (present.seq !== generation.seq)",
    caughtBy: {
      file: "test/unit/mover-sink/transport.test.ts",
      test: [
        "what is at the sink already",
        "another generation under the same id is never overwritten; the others are still brought",
      ],
    },
  },
  {
    id: "open-to-all",
    breaks: "X2",
    what: "everybody on the node can read a generation",
    file: "operator/mover/store/durable.ts",
    text: "export const privateFile = 0o600;",
    becomes: "export const privateFile = 0o644;",
    caughtBy: {
      file: "test/processes/backup-files.test.ts",
      test: ["a whole backup", "keeps what it stores from other users, and says in sha256sum's words what it stored"],
    },
  },
  {
    id: "newer-is-damaged",
    breaks: "S11",
    what: "after a step back, what a newer release has sealed is moved out of sight as damaged",
    file: "operator/mover/steps/verify.ts",
    text: "if (newer === true)",
    becomes: "if (newer === undefined && name === undefined)",
    caughtBy: {
      file: "test/processes/newer-release.test.ts",
      test: [
        "at a sink it is neither set aside nor counted, nothing is removed beside it, and the others are brought and checked",
      ],
    },
  },
];
