/** Files of the test application that backup tools have stumbled over, and a listing by plain tools that tells two states apart. */
import type { Bed } from "./bed.ts";

/** In a directory `odd` of the current one, which is to be the root of the volume: then the deepest path has 4,000 bytes. */
export const makeOddFiles = String.raw`
mkdir -p odd; cd odd
perl -e '
  use strict;
  sub put { my ($name, $text) = @_; open(my $f, ">", "./$name") or die "$name: $!"; print $f $text; close $f }
  put($_, "odd") for ("new\nline", "quo\x27te\"s", "-rf", " space ", "tab\t", "back\\slash", "st*r", "n" x 250, "bad\xff\xfe", "\xc3\xbcn\xc3\xafcode");
  put("linked-1", "linked"); link "linked-1", "linked-2" or die $!;
  symlink "../page.txt", "link" or die $!;
  put("sparse", "s"); open(my $s, "+<", "sparse"); seek($s, 30_000_000, 0); print $s "end"; close $s;
  for my $n (1 .. 16) { my $name = sprintf("d%02d", $n) . "x" x 244; mkdir $name or die $!; chdir $name or die $!; }
  put("l" x 28, "deep");
'
chmod 4640 linked-1; chown 4321:1234 linked-1; chmod 4640 linked-1
touch -d "2001-02-03 04:05:06.789" st*r
setfacl -m u:4321:r,g:77:rw -- -rf
mkdir acl; setfacl -d -m u:4321:rwx acl; setfacl -m u:4321:rx acl
`;

/** Every name, owner, mode, link count, time, content and ACL below the root, as text; equal exactly when two states are. */
export const listFiles = (bed: Bed, target: string): Promise<string> =>
  bed.sh(
    target,
    String.raw`cd /uploads
find . -mindepth 1 \( -type d -printf 'd %m %U %G %T@ %p\0' -o -type l -printf 'l %U %G %T@ %l %p\0' -o -printf '%y %m %U %G %s %n %T@ %p\0' \) | LC_ALL=C sort -z >/tmp/list
find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -z >>/tmp/list
find . -mindepth 1 -maxdepth 2 ! -type l -print0 | LC_ALL=C sort -z | xargs -0 getfacl -n >>/tmp/list
tr '\0' '\n' </tmp/list | cut -c1-300
sha256sum </tmp/list`,
  );
