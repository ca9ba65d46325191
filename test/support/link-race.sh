# In a container with the program: an app exchanges a directory with a link that leads out of its volume, all the time, while the mover's
# own step copies the volume again and again. Prints how often something from outside has come into the mirror.
set -eu
passes=$1
root=$(mktemp -d) && cd "$root"
mkdir -p store sinks/other/e v/data/d/e secrets signal scratch tmp dev
for n in $(seq 300); do echo SECRET >sinks/other/e/"$n"; echo public >v/data/d/e/"$n"; done
step() {
  HANDOVER_ROOT=$root HANDOVER_POD_UID=x HANDOVER_TASK='{"version":1,"namespace":"shop","policy":"app","policyUID":"p","run":"r","runUID":"u",
    "volumes":[{"name":"data","claimName":"data","paths":["."],"exclude":[]}],'"$1}" node /opt/handover/main.mjs mover >out 2>&1
}
step '"step":"preflight","type":"Full","databases":[],"store":{"name":"source"},"sinks":[]' || { cat out >&2; exit 1; }
step '"step":"warm","seq":1' && grep -rqs public store/shop/app/mirror/data || { cat out >&2; exit 1; }
(
  cd v/data
  ln -s "$root/sinks/other" link
  while :; do mv -T d was; mv -T link d; mv -T d link; mv -T was d; touch -c d/e/*; done
) &
app=$!
trap 'kill $app; cd /; rm -rf "$root"' EXIT
brought=0
for pass in $(seq "$passes"); do
  head -c 2000000 /dev/urandom >v/data/before
  # What it says of files that it could not read is its own business here.
  step '"step":"warm","seq":1' || true
  if grep -rqs SECRET store/shop/app/mirror/data; then brought=$((brought + 1)); rm -rf store/shop/app/mirror/data/d; fi
done
echo "$brought of $passes"
