/* What a call of another process is about: its paths, its open files, its bytes. Included by gate.c alone. */
/* The text of another process, at most PATH_MAX; in pieces, because it may end just before what is not mapped. */
static int read_text(pid_t pid, uint64_t from, char *text) {
  size_t have = 0;
  while (have < PATH_MAX) {
    size_t piece = 256 - ((from + have) & 255);
    if (piece > PATH_MAX - have) piece = PATH_MAX - have;
    struct iovec local = {text + have, piece}, remote = {(void *)(uintptr_t)(from + have), piece};
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)piece) return -1;
    if (memchr(text + have, 0, piece) != NULL) return 0;
    have += piece;
  }
  return -1;
}

static int read_link(char *path, const char *format, pid_t pid, int fd) {
  char link[64];
  snprintf(link, sizeof link, format, pid, fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return -1;
  path[length] = 0;
  return 0;
}

/* @returns 0 with an absolute path. A relative one counts from the directory of the process or of the open one. */
static int resolve(pid_t pid, int directory, uint64_t pointer, char *path) {
  char text[PATH_MAX + 1];
  if (pointer == 0) return read_link(path, "/proc/%d/fd/%d", pid, directory);
  if (read_text(pid, pointer, text) != 0) return -1;
  int fd, end = 0;
  if (sscanf(text, "/proc/self/fd/%d/%n", &fd, &end) == 1 && end > 0) {
    if (read_link(path, "/proc/%d/fd/%d", pid, fd) != 0) return -1;
  } else if (text[0] == '/') {
    strcpy(path, text);
    return 0;
  } else if (directory == AT_FDCWD) {
    if (read_link(path, "/proc/%d/cwd", pid, 0) != 0) return -1;
  } else if (read_link(path, "/proc/%d/fd/%d", pid, directory) != 0) {
    return -1;
  }
  snprintf(path + strlen(path), 2 * PATH_MAX - strlen(path), "/%s", text + end);
  return 0;
}

/* Does half of a write in the name of the other process, through its own open file, so that its position moves as well.
   @returns what it is told: the bytes, or a negative error. -EAGAIN: there is nothing to halve. */
static int64_t write_half(const struct call *call, const struct seccomp_notif *seen) {
  const uint64_t *a = (const uint64_t *)seen->data.args;
  char status[64], line[128];
  struct iovec first = {(void *)(uintptr_t)a[1], a[2]};
  if (call->number != SYS_write && call->number != SYS_pwrite64) {
    struct iovec local = {&first, sizeof first}, remote = {(void *)(uintptr_t)a[1], sizeof first};
    if (process_vm_readv((pid_t)seen->pid, &local, 1, &remote, 1, 0) != sizeof first) return -EAGAIN;
  }
  size_t half = first.iov_len / 2;
  if (half == 0) return -EAGAIN;
  /* The caller may be one thread of many: files are asked of the process. */
  snprintf(status, sizeof status, "/proc/%u/status", seen->pid);
  FILE *file = fopen(status, "r");
  int process = -1;
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Tgid: %d", &process) == 1) break;
  if (file != NULL) fclose(file);
  int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
  int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, (int)a[0], 0);
  if (pidfd >= 0) close(pidfd);
  char *bytes = malloc(half);
  struct iovec local = {bytes, half}, remote = {first.iov_base, half};
  int64_t written = -EAGAIN;
  if (fd >= 0 && bytes != NULL && process_vm_readv((pid_t)seen->pid, &local, 1, &remote, 1, 0) == (ssize_t)half) {
    int here = call->number != SYS_write && call->number != SYS_writev && (int64_t)a[3] >= 0;
    written = here ? pwrite(fd, bytes, half, (off_t)a[3]) : write(fd, bytes, half);
    if (written < 0) written = -errno;
  }
  free(bytes);
  if (fd >= 0) close(fd);
  return written;
}
