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
# Restores this generation without Handover. Needs sha256sum, GNU tar and zstd; for databases pg_restore and psql. A generation
# that is based on others, which the file chain names, needs these beside it, and xargs.
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
    *) printf 'restore.sh: unknown option: %s\n' "$1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -n "$to$databases" ] || [ "$check" = yes ] || { usage >&2; exit 2; }

need sha256sum
if [ -n "$to" ]; then need tar; need zstd; fi
if [ -n "$databases" ]; then need pg_restore; need psql; fi

# The generations that this one is based on, oldest first. They lie beside it, or where a store keeps what was handed over.
members=
if [ -f "$here/chain" ] && { [ -n "$to" ] || [ "$check" = yes ]; }; then
  need xargs
  while read -r digest id; do
    case $id in '' | *[!0-9A-Za-z-]*) fail "the file chain is damaged" ;; esac
    found=
    for directory in "$here/../$id" "$here/../../store/$id" "$here/../../handover/$id"; do
      if [ -z "$found" ] && [ -f "$directory/manifest.json" ]; then found=$directory; fi
    done
    [ -n "$found" ] || fail "generation $id is needed too and is not beside this one; nothing was restored"
    printf '%s  %s\n' "$digest" manifest.json | (cd "$found" && sha256sum --check --quiet) ||
      fail "$found is not the generation that this one is based on; nothing was restored"
    members="$members$id "
  done < "$here/chain"
fi
# An id has no blanks.
place_of() {
  for directory in "$here/../$1" "$here/../../store/$1" "$here/../../handover/$1"; do
    if [ -f "$directory/manifest.json" ]; then printf '%s\n' "$directory"; return; fi
  done
}

printf 'comparing every file with its SHA-256\n'
compare() {
  (cd "$1" && sha256sum --check --quiet manifest.sha256 SHA256SUMS &&
    sums=$(sha256sum SHA256SUMS) && grep -q "\${sums%% *}" manifest.json) ||
    fail "$(basename "$1") is damaged; nothing was restored"
  for file in "$1"/volumes/*; do
    [ -e "$file" ] || continue
    # By the whole name, of which no part is a pattern, nor a line.
    listed=no
    while read -r digest name; do
      if [ "$name" = "volumes/\${file##*/}" ]; then listed=yes; fi
    done < "$1/SHA256SUMS"
    [ "$listed" = yes ] || fail "volumes/\${file##*/} is not of $(basename "$1"); nothing was restored"
  done
}
compare "$here"
for id in $members; do compare "$(place_of "$id")"; done

extract() {
  tar --extract --file="$1" --use-compress-program=zstd --directory="$2" \
    --xattrs '--xattrs-include=*' --acls --numeric-owner --same-permissions --delay-directory-restore
}

count=0
for directory in "$here"/databases/*/; do
  [ -d "$directory/dump" ] && count=$((count + 1))
done
# Sets name and url.
split() {
  name=
  url=$1
  for directory in "$here"/databases/*/; do
    candidate=$(basename "$directory")
    case $1 in
      "$candidate="*) name=$candidate; url=\${1#*=} ;;
    esac
    if [ -z "$name" ] && [ "$count" -eq 1 ]; then only=$candidate; fi
  done
  [ -n "$name" ] || name=\${only:-}
  [ -n "$name" ] || fail "there are $count databases here; say --database NAME=URL"
}
ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "--dbname=$url" "$@"; }

# Before anything is changed. What belongs to an extension does not count.
printf '%s' "$databases" | while IFS= read -r given; do
  split "$given"
  found=$(ask --command="SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')")
  [ "$found" -eq 0 ] ||
    fail "the database to load $name into has to be empty, and has $found tables, views and sequences; make a new one with createdb --template=template0. Nothing was restored"
done

if [ -n "$to" ]; then
  mkdir -p -- "$to"
  to=$(CDPATH= cd -- "$to" && pwd)
  for archive in "$here"/volumes/*.tar.zst; do
    [ -f "$archive" ] || continue
    name=$(basename "$archive" .tar.zst)
    if [ -d "$to/$name" ] && [ -n "$(ls -A "$to/$name")" ]; then fail "$to/$name is not empty"; fi
    for id in $members; do
      [ -f "$(place_of "$id")/volumes/$name.tar.zst" ] || fail "generation $id has no volume $name; nothing was restored"
    done
  done
  for archive in "$here"/volumes/*.tar.zst; do
    [ -f "$archive" ] || continue
    name=$(basename "$archive" .tar.zst)
    mkdir -p "$to/$name"
    for id in $members .; do
      from=$here
      if [ "$id" != . ]; then from=$(place_of "$id"); fi
      printf 'extracting volume %s of %s\n' "$name" "$(basename "$from")"
      if [ -f "$from/volumes/$name.deleted" ]; then
        (cd "$to/$name" && xargs -0 -r rm -df --) < "$from/volumes/$name.deleted"
      fi
      extract "$from/volumes/$name.tar.zst" "$to/$name"
    done
  done
fi

printf '%s' "$databases" | while IFS= read -r given; do
  split "$given"
  printf 'loading database %s\n' "$name"
  pg_restore --exit-on-error $owner "--dbname=$url" "$here/databases/$name/dump"
  different=$(ask --file="$here/databases/$name/check.sql")
  [ -z "$different" ] || fail "row counts differ: $different"
done
printf 'done\n'
`.replaceAll("\\$", "$");

/** What a generation with a base needs, oldest first, in the form that sha256sum and restore.sh read. */
export const chainText = (chain: Manifest["chain"]): string =>
  chain.map(({ id, manifestSHA256 }) => `${manifestSHA256}  ${id}\n`).join("");

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
  const { chain } = manifest;
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
${chain.length === 0 ? "" : describeChain(chain)}${manifest.type === "Config" && volumes.length === 0 ? "" : withTools(manifest)}${configs.length === 0 ? "" : byHand}`;
}

const byHand = `
## The keys of ConfigMaps and Secrets

Each key of an object is a file below \`config/\`. Handover does not apply them; compare, then do it by hand:

    sha256sum -c manifest.sha256 SHA256SUMS
    kubectl -n NAMESPACE create configmap NAME --from-file=config/configmap/NAME --dry-run=client -o yaml | kubectl apply -f -
    kubectl -n NAMESPACE create secret generic NAME --from-file=config/secret/NAME --dry-run=client -o yaml | kubectl diff -f -

Of a Secret only the keys that the policy names are here: one that has others would lose them by an apply.
`;

const withTools = ({ chain, ...manifest }: Omit<Manifest, "files">): string => `
## With Handover

Create a RestoreRequest that names this generation.

## Without Handover

On any machine with sh, sha256sum, GNU tar and zstd, and for databases with pg_restore and psql of the server's version or newer:

    sh restore.sh --check
${examples(manifest)}

Each volume is extracted to a directory of its own below the one that you name. Run it as root to get back owners. ${chain.length === 0 ? "" : toWalksTheChain}A database
is loaded into an empty one; roles that it needs and the server lacks are in \`databases/<name>/globals.sql\`, without passwords;
or use \`--no-owner\`. After loading, the rows of every table are counted and compared.

By hand${chain.length === 0 ? "" : byHandOfChain}: \`sha256sum -c SHA256SUMS\`; \`zstd -dc volumes/NAME.tar.zst | tar -x --xattrs --xattrs-include='*' --acls --numeric-owner -p -C DIR\`;
\`pg_restore -d URL databases/NAME/dump\`. \`files.jsonl.zst\` lists every file with its SHA-256, one JSON object a line.
`;

const toWalksTheChain =
  "`--to` walks the chain by itself: it extracts the generations above, oldest first, and then this one. ";

/** A name that a shell would take for something else is left for a person to write. */
const pasted = (name: string): string => (/^\w[-\w]*$/.test(name) ? name : "NAME");

function examples({ databases, volumes }: Pick<Manifest, "databases" | "volumes">): string {
  const prefix = (name: string): string => (databases.length > 1 ? `${name}=` : "");
  return [
    ...(volumes.length === 0 ? [] : ["    sh restore.sh --to /some/empty/directory"]),
    ...databases.map(({ name, database }) => {
      const target = pasted(database);
      return `    createdb --template=template0 ${target} && sh restore.sh --database ${prefix(name)}postgresql:///${target}`;
    }),
  ].join("\n");
}

const describeChain = (chain: Manifest["chain"]): string => `
The volumes here are only what has changed. They are based on other generations, which have to lie beside this one, and are restored in this order before it:

${chain.map(({ id }) => `- \`${id}\``).join("\n")}
`;

const byHandOfChain =
  ", for each generation of the chain in its order and then for this one, after removing in DIR what its `volumes/NAME.deleted` names (`xargs -0 rm -df --`)";
