/**
 * Everything that a file system can hold and that backup tools have lost, as scripts for sh, run in a directory of their own: how it
 * comes into being, and how it changes between two backups.
 */
export interface FidelityItem {
  readonly name: string;
  readonly write: string;
  readonly change?: string;
}

const x = (count: number): string => "x".repeat(count);

export const fidelityItems: readonly FidelityItem[] = [
  {
    name: "odd names",
    write: String.raw`for n in 'new
line' "quo'te\"s" -rf --delete ' space ' '$(reboot)' 'back\slash' 'back\012slash' 'st*r [a-z]?' ... .hidden '~' '%s' '#' '"},{"' "$(printf 'tab\tcr\rbell\a')" "$(printf 'bad\377\376\200')" "$(printf 'e\314\201')" "$(printf '\303\251')" "$(printf 'bad\377\n\134')"; do
  printf '%s' "$n" > "./$n"; setfattr -n user.name -v "$n" "./$n"; mkdir "./d$n"; ln "./$n" "./d$n/linked"; ln -s "./$n" "./d$n/$n"; done`,
    change: String.raw`for n in -rf 'back\012slash' "$(printf 'bad\377\376\200')"; do printf more >> "./$n"; rm -r "./d$n"; done; mv ./--delete ./--force; setfattr -n user.name -v other './new
line'`,
  },
  {
    name: "names of 255 bytes and a path of 4,000",
    write: `touch ${x(255)}; n=0; while [ $n -lt 15 ]; do d=$(printf '%02d' $n)${x(248)}; mkdir $d; cd $d; n=$((n + 1)); done; printf deep > leaf; setfattr -n user.deep -v yes leaf; mkdir ${x(180)}`,
    change: `rm ${x(255)}; n=0; while [ $n -lt 15 ]; do d=$(printf '%02d' $n)${x(248)}; cd $d; n=$((n + 1)); done; printf deeper > leaf; touch ${x(180)}/new`,
  },
  { name: "empty directories", write: "mkdir -p a/b/c d e", change: "rmdir e a/b/c; mkdir f" },
  {
    name: "times",
    write: `touch -d @0.000000001 after-epoch; touch -d @-1.500000000 before-epoch; touch -d @-0.000000001 just-before; touch -d @1e9 whole 2>/dev/null || touch -d @1000000000 whole
touch -d @1700000000.999999999 limit; touch -d '2300-01-01 00:00:00.123456789' future; touch -d '1910-06-07 08:09:10.111' old
mkdir dir; ln -s nowhere link; mkfifo pipe; touch -h -d @1234567890.123456789 link; touch -d @1234567890.000000001 pipe; touch -d @-77.25 dir`,
    change:
      "touch -d @1700000000.999999998 limit; touch -h -d @1234567890.123456788 link; touch -d @-77.125 dir; touch -d @1234567890.000000002 pipe; touch -d @-2.5 before-epoch",
  },
  {
    name: "modes",
    write: `for m in 0000 0111 0200 0644 1644 2755 4755 6711 7777; do printf $m > f$m; chmod $m f$m; mkdir d$m; printf in > d$m/in; chmod $m d$m; done`,
    change: "chmod 0600 f4755; chmod 4711 f0644; chmod 0000 d7777; chmod 3777 d0000",
  },
  {
    name: "numeric owners",
    write: `printf a > a; chown 4321:1234 a; printf b > b; chown 65534:65534 b; printf c > c; chown 4000000000:3000000 c; chmod 6755 c; ln -s a l; chown -h 7:8 l; mkdir d; chown 9:10 d; mkfifo p; chown 11:12 p`,
    change: "chown 4322 a; chgrp 5 d; chown -h 70:80 l; chown 1 c; chmod 4755 c",
  },
  {
    name: "hard links",
    write: `mkdir d; printf one > a; ln a b; ln a d/c; printf two > e; ln e f; printf three > g; ln -s target s; ln s d/s; mkfifo p; ln p d/p; mknod n c 1 3; ln n d/n; printf x > k; ln k l`,
    change: `rm b; printf other > b; ln g h; rm f; printf four > e; rm d/s; ln -s elsewhere d/s; rm d/p; mkfifo d/p; printf yy >> k`,
  },
  {
    name: "links that swap partners",
    write: "printf 1 > a; ln a b; printf 2 > c; ln c d",
    change: "rm b d; ln a d; ln c b",
  },
  {
    name: "symbolic links",
    write: String.raw`ln -s .. up; ln -s /etc/passwd absolute; ln -s nowhere dangling; ln -s "$(printf 'bad\377\n')" bad; mkdir d; ln -s d to-dir; ln -s ${x(4000)} long; ln -s loop loop`,
    change: "ln -sfn elsewhere dangling; rm to-dir; mkdir to-dir; touch to-dir/in; rm long",
  },
  {
    name: "sparse files",
    write: `truncate -s 64M hole; truncate -s 64M middle; printf middle | dd of=middle bs=1M seek=20 conv=notrunc status=none; truncate -s 10M head; printf head | dd of=head conv=notrunc status=none
truncate -s 10M tail; printf tail | dd of=tail bs=1 seek=10485756 conv=notrunc status=none; truncate -s 4097 odd; head -c 1000000 /dev/zero > zeros; truncate -s 30M many
for i in 1 3 5 7 9 11 13 15 17 19; do printf $i | dd of=many bs=1M seek=$i conv=notrunc status=none; done; printf 'shorter' > grows; head -c 3000000 /dev/urandom > punched`,
    change: `printf new | dd of=hole bs=1M seek=33 conv=notrunc status=none; truncate -s 5M middle; truncate -s 40M grows; fallocate -p -o 1000000 -l 1000000 punched; truncate -s 70M head; printf z | dd of=many bs=1M seek=5 conv=notrunc status=none`,
  },
  {
    name: "sizes around those of buffers",
    write: `for s in 0 1 511 512 513 1048575 1048576 1048577 3145728; do head -c $s /dev/urandom > s$s; done`,
    change:
      "for s in 511 512 513 1048575 1048576; do printf x >> s$s; done; truncate -s 1048575 s1048577; : > s3145728",
  },
  {
    name: "extended attributes",
    write: String.raw`for f in a b c d; do printf $f > $f; done; mkdir dir; ln -s a l; mkfifo p; mknod n c 1 3
setfattr -n user.a -v 1 a; setfattr -n trusted.a -v 2 a; setfattr -n user.empty a; setfattr -n user.binary -v 0x00ff0a0d5c a; setfattr -n "user.odd
=\\$(printf '\377')" -v 1 a
setfattr -n user.large -v ${x(3000)} b; setfattr -n user.d -v 1 dir; setfattr -n trusted.d -v 1 dir; setfattr -h -n trusted.l -v 1 l; setfattr -n trusted.p -v 1 p; setfattr -n trusted.n -v 1 n; setfattr -n user.gone -v 1 c; setfattr -n user.rsync.%stat -v 1 d`,
    change:
      "setfattr -n user.a -v 3 a; setfattr -x user.gone c; setfattr -x user.d dir; setfattr -n user.new -v 1 dir; setfattr -h -n trusted.l -v 2 l; setfattr -n trusted.p -v 2 p; setfattr -x trusted.n n; setfattr -n user.large -v less b",
  },
  {
    name: "capabilities of files",
    write:
      "cp /bin/true ping; setcap cap_net_raw+ep ping; cp ping server; setcap cap_net_bind_service+eip server; chown 5:6 server; setcap cap_net_bind_service+eip server",
    change: "setcap -r ping; setcap cap_chown+ep server",
  },
  {
    name: "ACLs",
    write: `printf a > a; setfacl -m u:4321:rw,g:77:r,m::r a; printf b > b; setfacl -m u:1:rwx b; mkdir d e f; setfacl -m d:u:17:rwx,d:g:18:r-x,d:m::rx d; setfacl -m u:5:rwx e; setfacl -m d:u::rwx f
printf in > d/in; mkdir d/inner; printf plain > d/plain; setfacl -b d/plain; mkdir d/bare; setfacl -b -k d/bare; touch d/bare/f; chmod 2775 e`,
    change: "setfacl -m u:4322:r a; setfacl -b b; setfacl -k d; setfacl -x u:5 e; setfacl -m d:u:99:r f; touch f/new",
  },
  {
    name: "pipes and devices",
    write: "mkfifo p; mknod c c 1 3; mknod b b 7 0; mknod large c 300 70000; chmod 0620 p c",
    change: "rm p c; mknod p c 1 5; mkfifo c; rm b; mknod b b 7 1",
  },
  {
    name: "sockets",
    write: "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('s')\"; printf beside > f",
    change: "rm f; mkdir f; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('f/s')\"",
  },
  {
    name: "what changes its type",
    write:
      "printf f > file-dir; mkdir dir-file; touch dir-file/in; ln -s x link-file; printf f > file-link; printf f > file-pipe; mkfifo pipe-dir; mkdir dir-link; touch dir-link/in; ln -s . link-dir",
    change:
      "rm file-dir; mkdir file-dir; touch file-dir/in; rm -r dir-file; printf f > dir-file; rm link-file; printf f > link-file; rm file-link; ln -s x file-link; rm file-pipe; mkfifo file-pipe; rm pipe-dir; mkdir pipe-dir; rm -r dir-link; ln -s . dir-link; rm link-dir; mkdir link-dir",
  },
  {
    name: "edits that keep size and time",
    write:
      "printf 1234 > a; printf 1234 > b; head -c 2000000 /dev/zero > c; for f in a b c; do touch -d @1600000000 $f; done",
    change:
      "printf 4321 > a; printf 1243 > b; printf x | dd of=c bs=1 seek=1500000 conv=notrunc status=none; for f in a b c; do touch -d @1600000000 $f; done",
  },
  {
    name: "renames",
    write: "mkdir -p d/e; printf 1 > d/e/f; printf 2 > g; printf 3 > h",
    change: "mv d n; mv g t; mv h g; mv t h; chmod 0700 n",
  },
  {
    name: "three thousand small files",
    write: "mkdir d; cd d; i=0; while [ $i -lt 3000 ]; do : > f$i; i=$((i + 1)); done",
    change: "cd d; rm f17 f2999; printf x > f1; : > f3000",
  },
  {
    name: "archives within",
    write: "printf 'a' > f; tar -cf inner.tar f; zstd -q inner.tar; head -c 10240 /dev/zero > end-of-archive",
  },
];
