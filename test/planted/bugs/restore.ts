/** The exchange of a restore: fully old or fully new, and never started between the two. */
import type { PlantedBug } from "../bug.ts";

const crashTest = "test/processes/restore-crash.test.ts";

export const restoreBugs: readonly PlantedBug[] = [
  {
    id: "status-believed",
    breaks: "S22, X8",
    what: "a failed exchange says that nothing was exchanged without asking volumes and servers",
    file: "operator/mover/steps/swap.ts",
    text: "if (await isUntouched(task, context)) throw",
    becomes: 'if ((await isUntouched(task, context)) || task.runUID !== "") throw',
    caughtBy: {
      file: crashTest,
      test: [
        "databases and volumes",
        "a commit whose answer is lost never counts as nothing exchanged, nor does a server that cannot be asked",
      ],
    },
  },
  {
    id: "renames-in-two-transactions",
    breaks: "S22",
    what: "a death between the two renames leaves no database under the name of the app's",
    file: "operator/mover/restore/database-swap.ts",
    text: "if (live !== undefined) await client.query(`ALTER DATABASE ${name} RENAME TO ${to}`);",
    becomes:
      'if (live !== undefined) await client.query(`ALTER DATABASE ${name} RENAME TO ${to}`);\n    await client.query("COMMIT");\n    await client.query("BEGIN");',
    caughtBy: {
      file: crashTest,
      test: [
        "databases and volumes",
        "killed again and again, each time one step further: all databases at once, then the volume, never mixed",
      ],
    },
  },
  {
    id: "database-dropped-by-name",
    breaks: "S20, S22",
    what: "a database that has the name of a replaced one is dropped, whoever made it",
    file: "operator/mover/restore/database-cleanup.ts",
    text: "const dropped = replaced !== undefined && replaced.oid === tag.replaces;",
    becomes: "const dropped = replaced !== undefined;",
    caughtBy: {
      file: crashTest,
      test: ["databases and volumes", "a database that only looks replaced is never dropped"],
    },
  },
  {
    id: "fence-left-behind",
    breaks: "S22",
    what: "nobody may connect to the restored database",
    file: "operator/mover/restore/database-swap.ts",
    text: "    await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);\n",
    becomes: "",
    caughtBy: {
      file: "test/processes/restore.test.ts",
      test: [
        "databases and volumes come back as they were",
        "connections held open on the live database are ended, and the fence is lifted",
      ],
    },
  },
  {
    id: "old-database-stays-closed",
    breaks: "S22",
    what: "an exchange that is given up leaves the old database closed",
    file: "operator/mover/restore/database-cleanup.ts",
    text: "  await open(client, tag);\n  await drop(client, staged.name);",
    becomes: "  await drop(client, staged.name);",
    caughtBy: {
      file: crashTest,
      test: [
        "databases and volumes",
        "killed before the commit, it can be given up: the old databases take connections again",
      ],
    },
  },
  {
    id: "app-started-on-mixture",
    breaks: "S23",
    what: "an exchange that failed half-way is over, and the app is started",
    file: "operator/decide/exchange.ts",
    text: "return !(neverPlaced && swap.attempt === 1);",
    becomes: "return neverPlaced && swap.attempt !== 1;",
    caughtBy: {
      file: "test/unit/decide/restore-interference.test.ts",
      test: [
        "an exchange that is half done and cannot go on",
        "as far as anybody knows keeps the app stopped, and nothing of it is removed",
      ],
    },
  },
  {
    id: "app-started-between-attempts",
    breaks: "S23",
    what: "a restore that is cancelled starts the app while its exchange waits for the next attempt",
    file: "operator/decide/exchange.ts",
    text: 'swap?.state === "Running" || swap?.state === "Waiting"',
    becomes: 'swap?.state === "Running"',
    caughtBy: {
      file: "test/unit/decide/restore-interference.test.ts",
      test: ["cancelled", "between two attempts of the exchange: it is completed first"],
    },
  },
  {
    id: "exchange-before-closing",
    breaks: "S23",
    what: "the exchange begins while its hold may still end by the clock",
    file: "operator/decide/exchange.ts",
    text: '  return move.state === "reached";',
    becomes: '  return move.state !== "lost";',
    caughtBy: {
      file: "test/unit/decide/restore-interference.test.ts",
      test: [
        "an exchange begins when its hold cannot end by the clock any more, also when the controller dies before that",
      ],
    },
  },
  {
    id: "old-state-removed-early",
    breaks: "S22",
    what: "what was replaced goes although the app did not come up",
    file: "operator/decide/restore.ts",
    text: 'if (swap?.state === "Done" && stateOf("GiveBack") === "Failed")',
    becomes: 'if (swap?.state === "Failed" && stateOf("GiveBack") === "Failed")',
    caughtBy: {
      file: "test/unit/decide/restore.test.ts",
      test: ["an app that does not come up on the restored state keeps what was replaced, and the restore is over"],
    },
  },
  {
    id: "volume-phase-unrecorded",
    breaks: "S22, law 3",
    what: "files are moved before it is on record that they will be",
    file: "operator/mover/restore/volume-swap.ts",
    text: '    if (state.phase === "staged") await reach("moving-old");\n    if (state.phase === "moving-old") {\n',
    becomes: '    if (state.phase === "staged" || state.phase === "moving-old") {\n',
    caughtBy: {
      file: "test/processes/restore-crash.test.ts",
      test: [
        "volumes",
        "a swap that has begun cannot be thrown away, and one that has not cannot be finished by the cleanup",
      ],
    },
  },
  {
    id: "begun-exchange-thrown-away",
    breaks: "S22",
    what: "the cleanup removes what an exchange has begun to move",
    file: "operator/mover/restore/volume-staging.ts",
    text: 'if (state !== undefined && state.phase !== "staged")',
    becomes: 'if (state !== undefined && state.phase === "done")',
    caughtBy: {
      file: crashTest,
      test: [
        "volumes",
        "a swap that has begun cannot be thrown away, and one that has not cannot be finished by the cleanup",
      ],
    },
  },
  {
    id: "archive-believed",
    breaks: "S24, X3",
    what: "what an archive has put on the volume is not compared with what was captured",
    file: "operator/mover/restore/volume-staging.ts",
    text: "      if (wanted !== got) return",
    becomes: "      if (wanted.length < got.length - 4_096) return",
    caughtBy: {
      file: "test/processes/restore-refusals.test.ts",
      test: [
        "staging that fails leaves nothing behind",
        "an archive with a mode that was not captured, under digests that fit",
      ],
    },
  },
  {
    id: "generation-not-checked",
    breaks: "S24",
    what: "a restore builds from a generation that nobody has compared with its manifest",
    file: "operator/mover/steps/stage.ts",
    text: "if (difference === undefined) continue;",
    becomes: 'if (difference !== "") continue;',
    caughtBy: {
      file: "test/processes/restore-refusals.test.ts",
      test: ["staging that fails leaves nothing behind", "an extra file in the dump is found before anything is built"],
    },
  },
  {
    id: "unverified-restored",
    breaks: "S24",
    what: "a restore takes the newest generation, verified or not",
    file: "operator/mover/restore/choice.ts",
    text: "copies.filter((copy) => copy.verified);",
    becomes: 'copies.filter((copy) => copy.verified || copy.generation.id !== "");',
    caughtBy: {
      file: "test/unit/mover/restore-choice.test.ts",
      test: [
        "latest and before take the newest generation that has all that is asked for",
        "one that is not verified does not count, and is told of",
      ],
    },
  },
];
