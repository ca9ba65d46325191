/*
 * Runs a program behind a gate: each system call of it and of all that it starts that changes what lies below one directory is
 * counted, and the n-th one can be made to fail, to write only half, or to be the last thing before everything is killed.
 *
 * A seccomp filter with a listener, because it sits in the kernel: it sees what a library in front of libc does not, the calls
 * that libc makes for itself (mkstemp, stdio) and those of static programs. Nobody gets past it, so nothing is missed in silence.
 *
 *   gate DIRECTORY PROGRAM [ARGUMENT...]
 *
 * Orders on standard input, each answered with one line:
 *   arm N MODE   counts from 0 again; MODE says what becomes of call N: see below. N = 0 only counts.
 *   report       {"count":..,"hits":..,"blind":..,"calls":["name path",...]}
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate-calls.h"
#include "gate-process.h"

/* eio, enospc: call N alone. gone: from N on everything fails. full: from N on what needs space fails, the rest works.
   short: call N writes half. torn: and from the next one on the disk is full. kill: N is not done, and nothing after it. */
enum mode { NONE, EIO_ONCE, ENOSPC_ONCE, GONE, FULL, SHORT, TORN, KILL };
static const char *const modes[] = {"none", "eio", "enospc", "gone", "full", "short", "torn", "kill"};

enum { LOG = 16384 };

static const char *root;
static size_t root_length;
static enum mode mode;
static unsigned target, count, hits, blind;
static char *logged[LOG];

static int is_below(const char *path) {
  return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/* @returns whether the call concerns our directory. */
static int concerns(const struct call *call, const struct seccomp_notif *seen, char *path) {
  const uint64_t *a = (const uint64_t *)seen->data.args;
  pid_t pid = (pid_t)seen->pid;
  int at = call->flags & CREATES ? 0 : call->at;
  switch (call->kind) {
    case FD: return read_link(path, "/proc/%d/fd/%d", pid, (int)a[at]) == 0 && is_below(path);
    case PATH: return resolve(pid, AT_FDCWD, a[0], path) == 0 && is_below(path);
    case AT: return resolve(pid, (int)a[0], a[1], path) == 0 && is_below(path);
    /* What goes away and what comes: a rename out of the directory changes it, too. */
    case NEW_PATH: return (resolve(pid, AT_FDCWD, a[at], path) == 0 && is_below(path)) || (resolve(pid, AT_FDCWD, a[0], path) == 0 && is_below(path));
    case NEW_AT: return (resolve(pid, (int)a[at], a[at + 1], path) == 0 && is_below(path)) || (at == 2 && resolve(pid, (int)a[0], a[1], path) == 0 && is_below(path));
    case BLIND: strcpy(path, "?"); return 1;
  }
  return 0;
}

/* A directory that is there already is told so, however full the disk. */
static int needs_space(const struct call *call, const char *path) {
  struct stat found;
  return call->flags & GROWS && !(strncmp(call->name, "mkdir", 5) == 0 && lstat(path, &found) == 0);
}

/* @returns whether everything is to be killed, instead of an answer. */
static int judge(const struct seccomp_notif *seen, struct seccomp_notif_resp *answer) {
  static char path[2 * PATH_MAX];
  const struct call *call = NULL;
  for (int i = 0; i < CALLS && call == NULL; i++)
    if (calls[i].number == seen->data.nr) call = &calls[i];
  answer->id = seen->id;
  answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  if (call == NULL || !concerns(call, seen, path)) return 0;
  if (call->number == SYS_io_uring_setup) {
    /* As in most containers: libuv does without, and what a ring writes would be no system call. */
    answer->flags = 0;
    answer->error = -ENOSYS;
    return 0;
  }
  if (call->kind == BLIND) {
    blind++;
    return 0;
  }
  char *line = malloc(strlen(path) + 32);
  if (line != NULL) sprintf(line, "%s %s", call->name, path + (is_below(path) ? root_length : 0));
  if (count < LOG) logged[count] = line;
  else free(line);
  count++;
  if (mode == NONE || count < target) return 0;
  int64_t error = 0;
  int first = count == target;
  switch (mode) {
    case EIO_ONCE: error = first ? -EIO : 0; break;
    case ENOSPC_ONCE: error = first ? -ENOSPC : 0; break;
    case GONE: error = -EIO; break;
    case FULL: error = needs_space(call, path) ? -ENOSPC : 0; break;
    case KILL: hits++; return 1;
    case SHORT:
    case TORN:
      if (first && call->flags & WRITES) {
        int64_t written = write_half(call, seen);
        if (written == -EAGAIN) return 0;
        hits++;
        answer->flags = 0;
        if (written < 0) answer->error = (int)written;
        else answer->val = written;
        return 0;
      }
      error = mode == TORN && hits > 0 && needs_space(call, path) ? -ENOSPC : 0;
      break;
    case NONE: break;
  }
  if (error != 0) {
    hits++;
    answer->flags = 0;
    answer->error = (int)error;
  }
  return 0;
}

static void forget(void) {
  for (unsigned i = 0; i < count && i < LOG; i++) free(logged[i]);
  count = hits = blind = 0;
}

static void obey(char *order) {
  char name[16] = "none";
  if (sscanf(order, "arm %u %15s", &target, name) >= 1) {
    forget();
    mode = NONE;
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
      if (strcmp(name, modes[i]) == 0 && target > 0) mode = (enum mode)i;
    puts("armed");
  } else {
    printf("{\"count\":%u,\"hits\":%u,\"blind\":%u,\"calls\":[", count, hits, blind);
    for (unsigned i = 0; i < count && i < LOG; i++) {
      printf(i == 0 ? "\"" : ",\"");
      for (const unsigned char *c = (const unsigned char *)logged[i]; c != NULL && *c != 0; c++)
        if (*c < 32 || *c == '"' || *c == '\\' || *c > 126) printf("\\u%04x", *c);
        else putchar(*c);
      putchar('"');
    }
    puts("]}");
  }
  fflush(stdout);
}

/* Ends when nothing of the program runs any more, so that whoever waits for us sees the disk at rest. */
static void kill_all(pid_t program) {
  kill(-program, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) kill(-program, SIGKILL);
}

int main(int argc, char **argv) {
  if (argc < 3) return 96;
  root = argv[1];
  root_length = strlen(root);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) fail("socketpair");
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  pid_t program = fork();
  if (program < 0) fail("fork");
  char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (program == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    close(ends[0]);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(2, 1);
    int listener = install();
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &listener, sizeof listener);
    if (sendmsg(ends[1], &message, 0) < 0) fail("sendmsg");
    close(listener);
    close(ends[1]);
    execvp(argv[2], argv + 2);
    fail(argv[2]);
  }
  setpgid(program, program);
  close(ends[1]);
  /* The talk between the test and the program: with our ends open nobody would notice that the program is gone. */
  close(3);
  close(4);
  if (recvmsg(ends[0], &message, 0) <= 0 || CMSG_FIRSTHDR(&message) == NULL) fail("the filter could not be set");
  int listener;
  memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof listener);
  char orders[256];
  size_t have = 0;
  for (;;) {
    struct pollfd wait[2] = {{.fd = listener, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    if (poll(wait, 2, -1) < 0 && errno != EINTR) fail("poll");
    if (wait[0].revents & POLLIN) {
      struct seccomp_notif seen;
      struct seccomp_notif_resp answer;
      memset(&seen, 0, sizeof seen);
      memset(&answer, 0, sizeof answer);
      if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &seen) == 0) {
        if (judge(&seen, &answer)) {
          kill_all(program);
          return 99;
        }
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
      }
      continue;
    }
    /* Nobody is left behind the filter. */
    if (wait[0].revents & (POLLHUP | POLLERR)) break;
    if (wait[1].revents & POLLIN) {
      ssize_t got = read(0, orders + have, sizeof orders - 1 - have);
      if (got <= 0) {
        kill_all(program);
        return 98;
      }
      have += (size_t)got;
      orders[have] = 0;
      for (char *end; (end = memchr(orders, '\n', have)) != NULL;) {
        *end = 0;
        obey(orders);
        have -= (size_t)(end + 1 - orders);
        memmove(orders, end + 1, have + 1);
      }
      if (have == sizeof orders - 1) have = 0;
    } else if (wait[1].revents & (POLLHUP | POLLERR)) {
      kill_all(program);
      return 98;
    }
  }
  int status = 0;
  waitpid(program, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 95;
}
