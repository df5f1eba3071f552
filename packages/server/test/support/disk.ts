import { execFileSync } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { tempDir } from "./resources.ts"

/** What a disk can do to a process: a sync does not return, or fails; nothing may be written. */
export type Fault = "hang" | "fail to sync" | "be read-only"

/** A disk of one process, below a directory, that can be made to fail. */
export interface FaultyDisk {
  /** What the process has to be started with. */
  readonly env: Readonly<Record<string, string>>
  readonly begin: (fault: Fault) => void
  readonly end: () => void
}

/**
 * Stands between a process and its system, and does what a file says for as long as it is there.
 */
const library = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is(const char *fault) {
  const char *name = getenv("FAULT");
  int (*opened)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  char text[32] = "";
  if (name == NULL) return 0;
  int file = opened(name, O_RDONLY);
  if (file < 0) return 0;
  if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
  close(file);
  return strcmp(text, fault) == 0;
}

static int below(const char *path) {
  const char *disk = getenv("DISK");
  return disk != NULL && path != NULL && strncmp(path, disk, strlen(disk)) == 0;
}

static int on(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}

static int sync_with(const char *name, int fd) {
  if (on(fd)) {
    while (is("hang")) usleep(5000);
    if (is("fail to sync")) { errno = EIO; return -1; }
  }
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }

static ssize_t write_with(const char *name, int fd, const void *from, size_t size, off_t at) {
  if (on(fd) && is("be read-only")) { errno = EROFS; return -1; }
  return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, name))(fd, from, size, at);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at) { return write_with("pwrite", fd, from, size, at); }
ssize_t pwrite64(int fd, const void *from, size_t size, off_t at) { return write_with("pwrite64", fd, from, size, at); }

static int truncate_with(const char *name, int fd, off_t size) {
  if (on(fd) && is("be read-only")) { errno = EROFS; return -1; }
  return ((int (*)(int, off_t))dlsym(RTLD_NEXT, name))(fd, size);
}

int ftruncate(int fd, off_t size) { return truncate_with("ftruncate", fd, size); }
int ftruncate64(int fd, off_t size) { return truncate_with("ftruncate64", fd, size); }

int access(const char *path, int mode) {
  if ((mode & W_OK) && below(path) && is("be read-only")) { errno = EROFS; return -1; }
  return ((int (*)(const char *, int))dlsym(RTLD_NEXT, "access"))(path, mode);
}

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
  if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && below(path) && is("be read-only")) { errno = EROFS; return -1; }
  return ((int (*)(const char *, int, mode_t))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest);
  return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest);
  return open_with("open64", path, flags, mode);
}
`

const compiler = process.env["CC"] ?? "cc"

/** Why there can be no {@link FaultyDisk} on this machine; `undefined` when there can. */
export const noFaultyDisk = (): string | undefined => {
  if (process.platform !== "linux") return "a library is put between a program and its system on Linux only"
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" })
    return undefined
  } catch {
    return `there is no C compiler called ${compiler}`
  }
}

/** @param below the directory whose files are on it */
export const faultyDisk = (below: string): FaultyDisk => {
  const directory = tempDir()
  const [source, built, fault] = ["disk.c", "disk.so", "fault"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(source, library)
  execFileSync(compiler, ["-shared", "-fPIC", "-o", built, source, "-ldl"])
  // Before the directory goes, so that a process that hangs can end.
  onTestFinished(() => rmSync(fault, { force: true }))
  return {
    env: { LD_PRELOAD: built, FAULT: fault, DISK: below },
    begin: (what) => writeFileSync(fault, what),
    end: () => rmSync(fault),
  }
}
