import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, mkdtempSync } from "node:fs"
import { Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

// Its input ends with this process, however that ends: it then kills the processes last told to it,
// and empties the folder.
const script = `
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -9 $pids
for attempt in 1 2 3 4 5; do rm -rf "$0" && break; sleep 0.2; done`

interface Warden {
  readonly directory: string
  readonly process: ChildProcess
}

let warden: Warden | undefined

const hire = (): Warden => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-servers-"))
  // A server of another user passes through.
  chmodSync(directory, 0o711)
  const process = spawn("sh", ["-c", script, directory], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
  process.unref()
  if (process.stdin instanceof Socket) process.stdin.unref()
  return { directory, process }
}

/** A folder that is gone when this process is, for the data of one server. */
export const newDirectory = (): string => {
  warden ??= hire()
  return mkdtempSync(join(warden.directory, "server-"))
}

const families = new Map<object, ReadonlyArray<number>>()

/**
 * Says which processes a server has, so that none outlives this process, not even one that was
 * killed.
 */
export const register = (server: object, pids: ReadonlyArray<number>): void => {
  families.set(server, pids)
  warden?.process.stdin?.write(`${[...families.values()].flat().join(" ")}\n`)
}
