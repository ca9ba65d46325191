/**
 * `restore.sh` and `RESTORE.md`: how to use a generation without Handover. The script is the same in every generation and looks
 * at what lies beside it, so no name is ever pasted into it. It must need nothing but POSIX sh, GNU tar, zstd, sha256sum,
 * and for databases pg_restore and psql.
 */
import type { Manifest } from "../../domain/manifest.ts";
import { count, formatBytes } from "../../domain/quantities.ts";
import { configDirectory } from "./layout.ts";

export const restoreScriptFile = "restore.sh";
export const restoreGuideFile = "RESTORE.md";

export const restoreScript = String.raw`#!/bin/sh
# Restores this generation without Handover. Needs sha256sum, GNU tar and zstd; for databases pg_restore and psql.
set -eu

usage() {
  cat <<'END'
Usage: sh restore.sh --to DIR [--database [NAME=]URL]... [--no-owner]
       sh restore.sh --check

  --to DIR          extract the volumes to DIR/<volume>; each must be empty or not exist
  --database URL    load the dump into this empty database, as postgresql://user@host/name;
                    with several databases in the generation, name each: --database shop=URL
  --no-owner        the target user owns everything; without it, the roles in globals.sql must exist
  --check           only compare every file with its SHA-256

Give the password of a database in PGPASSWORD or ~/.pgpass. Run as root to restore owners.
END
}

fail() { printf 'restore.sh: %s\n' "$1" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is needed"; }

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
to=
check=no
owner=
databases=
newline='
'
while [ $# -gt 0 ]; do
  case $1 in
    --to) [ $# -ge 2 ] || fail "--to needs a directory"; to=$2; shift 2 ;;
    --database) [ $# -ge 2 ] || fail "--database needs a URL"; databases="$databases$2$newline"; shift 2 ;;
    --no-owner) owner=--no-owner; shift ;;
    --check) check=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
[ -n "$to$databases" ] || [ "$check" = yes ] || { usage >&2; exit 2; }

need sha256sum
if [ -n "$to" ]; then need tar; need zstd; fi
if [ -n "$databases" ]; then need pg_restore; need psql; fi

printf 'comparing every file with its SHA-256\n'
(cd "$here" && sha256sum --check --quiet manifest.sha256 SHA256SUMS) || fail "the generation is damaged; nothing was restored"

if [ -n "$to" ]; then
  mkdir -p -- "$to"
  to=$(CDPATH= cd -- "$to" && pwd)
  for archive in "$here"/volumes/*.tar.zst; do
    [ -f "$archive" ] || continue
    name=$(basename "$archive" .tar.zst)
    if [ -d "$to/$name" ] && [ -n "$(ls -A "$to/$name")" ]; then fail "$to/$name is not empty"; fi
  done
  for archive in "$here"/volumes/*.tar.zst; do
    [ -f "$archive" ] || continue
    name=$(basename "$archive" .tar.zst)
    printf 'extracting volume %s\n' "$name"
    mkdir -p "$to/$name"
    tar --extract --file="$archive" --use-compress-program=zstd --directory="$to/$name" \
      --xattrs '--xattrs-include=*' --acls --numeric-owner --same-permissions --delay-directory-restore
  done
fi

count=0
for directory in "$here"/databases/*/; do
  [ -d "$directory/dump" ] && count=$((count + 1))
done
printf '%s' "$databases" | while IFS= read -r given; do
  name=
  url=$given
  for directory in "$here"/databases/*/; do
    candidate=$(basename "$directory")
    case $given in
      "$candidate="*) name=$candidate; url=\${given#*=} ;;
    esac
    if [ -z "$name" ] && [ "$count" -eq 1 ]; then only=$candidate; fi
  done
  [ -n "$name" ] || name=\${only:-}
  [ -n "$name" ] || fail "there are $count databases here; say --database NAME=URL"
  printf 'loading database %s\n' "$name"
  pg_restore --exit-on-error $owner "--dbname=$url" "$here/databases/$name/dump"
  different=$(psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "--dbname=$url" --file="$here/databases/$name/check.sql")
  [ -z "$different" ] || fail "row counts differ: $different"
done
printf 'done\n'
`.replaceAll("\\$", "$");

/** SQL that prints a line for each table whose rows are not as many as in the snapshot of the dump; nothing when all is well. */
export function rowCheck(
  tables: readonly { readonly schema: string; readonly name: string; readonly rows: number }[],
): string {
  const identifier = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const literal = (text: string): string =>
    ` E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("\n", "\\n")}'`;
  const lines = tables.map(
    ({ schema, name, rows }) =>
      `SELECT${literal(`${schema}.${name}: expected ${rows} rows, found `)} || count(*) FROM ${identifier(schema)}.${identifier(name)} HAVING count(*) <> ${rows};`,
  );
  return ["-- Rows of each table when the dump was taken.", ...lines, ""].join("\n");
}

export function restoreGuide(manifest: Omit<Manifest, "files">): string {
  const databases = manifest.databases.map(
    ({ name, database, serverVersion, tables }) =>
      `- \`databases/${name}/\`: database \`${database}\` of PostgreSQL ${serverVersion}, ${count(tables.length, "table")}`,
  );
  const volumes = manifest.volumes.map(
    ({ archive, claimName, files, bytes }) =>
      `- \`${archive}\`: claim \`${claimName}\`, ${count(files, "file")}, ${formatBytes(bytes)}`,
  );
  const configs = (manifest.configs ?? []).map(
    ({ kind, name, keys }) =>
      `- \`${configDirectory(kind, name)}/\`: ${kind} \`${name}\`, ${count(keys.length, "key")}`,
  );
  return `# Generation ${manifest.id}

The state of \`${manifest.lineage.namespace}/${manifest.lineage.policy}\` of ${manifest.time}, captured ${manifest.consistency === "Quiesced" ? "while the app was stopped" : "beside the running app"}.

${[...databases, ...volumes, ...configs].join("\n")}
${manifest.type === "Config" ? byHand : withTools}`;
}

const byHand = `
## How to use it

Each key of an object is a file below \`config/\`. Handover does not apply them; compare, then do it by hand:

    sha256sum -c manifest.sha256 SHA256SUMS
    kubectl -n NAMESPACE create configmap NAME --from-file=config/configmap/NAME --dry-run=client -o yaml | kubectl apply -f -
    kubectl -n NAMESPACE create secret generic NAME --from-file=config/secret/NAME --dry-run=client -o yaml | kubectl diff -f -

Of a Secret only the keys that the policy names are here: one that has others would lose them by an apply.
`;

const withTools = `
## With Handover

Create a RestoreRequest that names this generation.

## Without Handover

On any machine with sh, sha256sum, GNU tar and zstd, and for databases with pg_restore and psql of the server's version or newer:

    sh restore.sh --check
    sh restore.sh --to /some/empty/directory
    createdb --template=template0 shop && sh restore.sh --database postgresql:///shop

Each volume is extracted to a directory of its own below the one that you name. Run it as root to get back owners. A database
is loaded into an empty one; roles that it needs and the server lacks are in \`databases/<name>/globals.sql\`, without passwords;
or use \`--no-owner\`. After loading, the rows of every table are counted and compared.

By hand: \`sha256sum -c SHA256SUMS\`; \`zstd -dc volumes/NAME.tar.zst | tar -x --xattrs --xattrs-include='*' --acls --numeric-owner -p -C DIR\`;
\`pg_restore -d URL databases/NAME/dump\`. \`files.jsonl.zst\` lists every file with its SHA-256, one JSON object a line.
`;
