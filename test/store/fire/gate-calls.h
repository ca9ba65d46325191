/* Which system calls change what is on a disk, and the filter that tells us of them. Included by gate.c alone. */
/* Where a call has its path: an open file, a path, a directory and a path; or in the last two places of a rename or link. */
enum kind { FD, PATH, AT, NEW_PATH, NEW_AT, BLIND };
/* GROWS: needs space. WRITES: can be cut short. CREATES: only with O_CREAT, O_TRUNC or O_TMPFILE. */
enum { GROWS = 1, WRITES = 2, CREATES = 4 };

struct call {
  int number;
  const char *name;
  enum kind kind;
  int flags;
  /* CREATES: which argument has the flags. NEW_*: the last place. */
  int at;
};

static const struct call calls[] = {
  {SYS_write, "write", FD, GROWS | WRITES, 0},
  {SYS_pwrite64, "pwrite64", FD, GROWS | WRITES, 0},
  {SYS_writev, "writev", FD, GROWS | WRITES, 0},
  {SYS_pwritev, "pwritev", FD, GROWS | WRITES, 0},
  {SYS_pwritev2, "pwritev2", FD, GROWS | WRITES, 0},
  {SYS_sendfile, "sendfile", FD, GROWS, 0},
  {SYS_copy_file_range, "copy_file_range", FD, GROWS, 2},
  {SYS_splice, "splice", FD, GROWS, 2},
  {SYS_fallocate, "fallocate", FD, GROWS, 0},
  {SYS_ftruncate, "ftruncate", FD, 0, 0},
  {SYS_truncate, "truncate", PATH, 0, 0},
  {SYS_fsync, "fsync", FD, 0, 0},
  {SYS_fdatasync, "fdatasync", FD, 0, 0},
  {SYS_syncfs, "syncfs", FD, 0, 0},
  {SYS_sync_file_range, "sync_file_range", FD, 0, 0},
  {SYS_openat, "openat", AT, GROWS | CREATES, 2},
  {SYS_renameat, "renameat", NEW_AT, 0, 2},
  {SYS_renameat2, "renameat2", NEW_AT, 0, 2},
  {SYS_linkat, "linkat", NEW_AT, GROWS, 2},
  {SYS_symlinkat, "symlinkat", NEW_AT, GROWS, 1},
  {SYS_unlinkat, "unlinkat", AT, 0, 0},
  {SYS_mkdirat, "mkdirat", AT, GROWS, 0},
  {SYS_mknodat, "mknodat", AT, GROWS, 0},
  {SYS_fchmod, "fchmod", FD, 0, 0},
  {SYS_fchmodat, "fchmodat", AT, 0, 0},
  {452, "fchmodat2", AT, 0, 0},
  {SYS_fchown, "fchown", FD, 0, 0},
  {SYS_fchownat, "fchownat", AT, 0, 0},
  {SYS_utimensat, "utimensat", AT, 0, 0},
  {SYS_setxattr, "setxattr", PATH, GROWS, 0},
  {SYS_lsetxattr, "lsetxattr", PATH, GROWS, 0},
  {SYS_fsetxattr, "fsetxattr", FD, GROWS, 0},
  {SYS_removexattr, "removexattr", PATH, 0, 0},
  {SYS_lremovexattr, "lremovexattr", PATH, 0, 0},
  {SYS_fremovexattr, "fremovexattr", FD, 0, 0},
#ifdef SYS_open
  {SYS_open, "open", PATH, GROWS | CREATES, 1},
  {SYS_creat, "creat", PATH, GROWS, 0},
  {SYS_rename, "rename", NEW_PATH, 0, 1},
  {SYS_link, "link", NEW_PATH, GROWS, 1},
  {SYS_symlink, "symlink", NEW_PATH, GROWS, 1},
  {SYS_unlink, "unlink", PATH, 0, 0},
  {SYS_rmdir, "rmdir", PATH, 0, 0},
  {SYS_mkdir, "mkdir", PATH, GROWS, 0},
  {SYS_mknod, "mknod", PATH, GROWS, 0},
  {SYS_chmod, "chmod", PATH, 0, 0},
  {SYS_chown, "chown", PATH, 0, 0},
  {SYS_lchown, "lchown", PATH, 0, 0},
  {SYS_utime, "utime", PATH, 0, 0},
  {SYS_utimes, "utimes", PATH, 0, 0},
  {SYS_futimesat, "futimesat", AT, 0, 0},
#endif
  /* What would write behind our back. A test demands that nobody uses it. */
  {SYS_io_uring_setup, "io_uring_setup", BLIND, 0, 0},
  {SYS_openat2, "openat2", BLIND, 0, 0},
  {SYS_sync, "sync", BLIND, 0, 0},
};
enum { CALLS = sizeof calls / sizeof *calls };

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(97);
}

static int install(void) {
  struct sock_filter program[4 * CALLS + 4];
  int length = 0;
  program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < CALLS; i++) {
    if (calls[i].flags & CREATES) {
      /* Most files are only opened to be read. After this load the number is gone, so both ways out end here. */
      program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 4);
      program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * calls[i].at);
      program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY), 0, 1);
      program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
      program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    } else {
      program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
      program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
  }
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog filter = {.len = length, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  int listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (listener < 0) fail("seccomp");
  return listener;
}
