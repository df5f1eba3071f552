import { execFileSync } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { tempDir } from "./resources.ts"

/** A disk that can be made to hang, of one process. */
export interface HangingDisk {
  /** What the process has to be started with. */
  readonly env: Readonly<Record<string, string>>
  /** No sync returns from now on. */
  readonly hang: () => void
  readonly goOn: () => void
}

/**
 * Stands between a process and its system: a sync does not return for as long as there is a file
 * that says so.
 */
const library = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int after(const char *name, int fd) {
  const char *hanging = getenv("HANGING");
  while (hanging != NULL && access(hanging, F_OK) == 0) usleep(5000);
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return after("fsync", fd); }
int fdatasync(int fd) { return after("fdatasync", fd); }
`

const compiler = process.env["CC"] ?? "cc"

/** Why there can be no {@link HangingDisk} on this machine; `undefined` when there can. */
export const noHangingDisk = (): string | undefined => {
  if (process.platform !== "linux") return "a library is put between a program and its system on Linux only"
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" })
    return undefined
  } catch {
    return `there is no C compiler called ${compiler}`
  }
}

export const hangingDisk = (): HangingDisk => {
  const directory = tempDir()
  const [source, built, hanging] = ["sync.c", "sync.so", "hanging"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(source, library)
  execFileSync(compiler, ["-shared", "-fPIC", "-o", built, source, "-ldl"])
  // Before the directory goes, so that a process that hangs can end.
  onTestFinished(() => rmSync(hanging, { force: true }))
  return {
    env: { LD_PRELOAD: built, HANGING: hanging },
    hang: () => writeFileSync(hanging, ""),
    goOn: () => rmSync(hanging),
  }
}
