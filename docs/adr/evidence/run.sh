#!/bin/sh
# Shows the defects that ADRs 0003 and 0004 speak of, in a directory of its own that is removed afterwards.
# Needs: Node 24, npm, GNU tar. Changes nothing in the project.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf '{"private":true}\n' > package.json
npm install --silent --no-audit --no-fund tar@7.5.23 @dot-i/k8s-operator@1.3.9
cp "$here/npm-tar.mjs" "$here/dot-i.cjs" .
echo "Node $(node --version), $(tar --version | head -n 1)"
echo
echo "== npm tar $(node -p "require('./node_modules/tar/package.json').version")"
node npm-tar.mjs
echo
echo "== @dot-i/k8s-operator $(node -p "require('./node_modules/@dot-i/k8s-operator/package.json').version")"
node dot-i.cjs
