/** What tests with real tools use besides what the cluster needs. */
import type { Needs } from "./cluster/bed/packages.ts";

export const needs: Needs = {
  "/usr/share/postgresql-common": "postgresql",
  psql: "postgresql-client",
  rsync: "rsync",
  zstd: "zstd",
  setfacl: "acl",
  setfattr: "attr",
  setcap: "libcap2-bin",
  setpriv: "util-linux",
  python3: "python3-minimal",
  mkfs: "util-linux",
  "mkfs.ext4": "e2fsprogs",
  strace: "strace",
  openssl: "openssl",
  time: "time",
  gcc: "gcc",
  "/usr/include/stdio.h": "libc6-dev",
  "/usr/include/linux/seccomp.h": "linux-libc-dev",
};
