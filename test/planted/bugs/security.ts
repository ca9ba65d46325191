/** Rights, secrets, and text that comes from outside. */
import type { PlantedBug } from "../bug.ts";

const rightsTest = "test/unit/chart-rights.test.ts";
const noWildcard =
  "no wildcard, no Secret, nothing that enters or makes pods, nothing that grants rights which one does not have";

export const securityBugs: readonly PlantedBug[] = [
  {
    id: "wildcard-role",
    breaks: "X6",
    what: "the controller may do anything with Jobs, whatever verbs there will be",
    file: "manifests/install.yaml",
    text: 'verbs: [get, list, watch, create, delete]\n- apiGroups: [""]\n  resources: [pods]',
    becomes: 'verbs: ["*"]\n- apiGroups: [""]\n  resources: [pods]',
    caughtBy: { file: rightsTest, test: ["rights", noWildcard] },
  },
  {
    id: "secrets-readable",
    breaks: "X6",
    what: "the controller may read Secrets",
    file: "manifests/install.yaml",
    text: "resources: [persistentvolumeclaims]",
    becomes: "resources: [persistentvolumeclaims, secrets]",
    caughtBy: { file: rightsTest, test: ["rights", noWildcard] },
  },
  {
    id: "election-of-any-lease",
    breaks: "X6",
    what: "the right to the election's Lease is one to every Lease of the namespace",
    file: "manifests/install.yaml",
    text: "  resourceNames: [handover-controller]\n",
    becomes: "",
    caughtBy: { file: rightsTest, test: ["rights", "the election asks for its Lease at home"] },
  },
  {
    id: "guard-of-any-workload",
    breaks: "X6",
    what: "a guard may scale every workload of its namespace",
    file: "operator/decide/guard.ts",
    text: "          resourceNames: [record.target.name],\n",
    becomes: "",
    caughtBy: {
      file: rightsTest,
      test: [
        "rights",
        "the controller has every right that it gives to a guard, and a guard has them for one object each",
      ],
    },
  },
  {
    id: "password-in-environment",
    breaks: "X2",
    what: "the password of a database is in the environment of its tools",
    file: "operator/mover/database/credentials.ts",
    text: "      PGPASSFILE: passwordFile,\n",
    becomes: "      PGPASSFILE: passwordFile,\n      PGPASSWORD: credentials.password,\n",
    caughtBy: {
      file: "test/unit/mover/credentials.test.ts",
      test: ["the tools get the name of a file, which nobody else can read and which goes afterwards"],
    },
  },
  {
    id: "through-a-shell",
    breaks: "X3",
    what: "tools are run by a shell",
    file: "operator/mover/exec.ts",
    text: "const child = spawn(program, args, {\n",
    becomes: "const child = spawn(program, args, {\n        shell: true,\n",
    caughtBy: {
      file: "test/unit/mover/exec.test.ts",
      test: ["one process", "gets its arguments as they are, through no shell"],
    },
  },
  {
    id: "database-name-as-connection-string",
    breaks: "X3",
    what: "the name of a database can name another host",
    file: "operator/mover/tools/pg.ts",
    text: "`--database=dbname='${database.replaceAll(/['\\\\]/g, String.raw`\\$&`)}'`",
    becomes: "`--database=${database}`",
    caughtBy: {
      file: "test/unit/mover/credentials.test.ts",
      test: ["no command line has the password, nor a database whose name is a connection string"],
    },
  },
  {
    id: "password-in-error",
    breaks: "X2",
    what: "the text of a failed connection carries the password",
    file: "operator/mover/database/connection.ts",
    text: "    throw databaseTrouble(error, target);\n  }\n}\n\n/** For a server",
    becomes:
      "    throw databaseTrouble(error, { ...target, host: `${String(config.password)}@${target.host}` });\n  }\n}\n\n/** For a server",
    caughtBy: {
      file: "test/unit/mover/credentials.test.ts",
      test: ["an error of a connection names the place and says nothing of the password"],
    },
  },
  {
    id: "any-certificate",
    breaks: "X7",
    what: "the certificate of a database is not checked although an authority is given",
    file: "operator/mover/database/connection.ts",
    text: "rejectUnauthorized: true",
    becomes: "rejectUnauthorized: false",
    caughtBy: {
      file: "test/processes/certificate.test.ts",
      test: ["one with a certificate of somebody else is told nothing"],
    },
  },
  {
    id: "path-from-a-name",
    breaks: "X1, X3",
    what: "a name in a spec leads to another path of the API",
    file: "operator/cluster/request.ts",
    text: 'if (!/^[^/%\\s]{1,253}$/.test(value) || value === "." || value === "..") {',
    becomes: 'if (value === "") {',
    caughtBy: { file: "test/unit/cluster/client.test.ts", test: ['"../../secrets" is no name for an object'] },
  },
  {
    id: "clock-in-a-decision",
    breaks: "law 2",
    what: "a decision looks at the clock by itself",
    file: "operator/decide/app-state.ts",
    text: '  if (isHeld(app, held)) return "Unknown";\n',
    becomes: '  if (isHeld(app, held) || Date.now() === 0) return "Unknown";\n',
    caughtBy: {
      file: "test/architecture.test.ts",
      test: ["purity law", "no clock, no chance, no process, no timer, no promise"],
    },
  },
];
