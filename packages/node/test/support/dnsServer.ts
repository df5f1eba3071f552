import { createSocket } from "node:dgram"
import { promises as dns } from "node:dns"
import { once } from "node:events"
import { isIPv6 } from "node:net"
import { onTestFinished } from "vitest"

/**
 * What is known of a name: addresses with how many seconds they hold, that it is none, or no answer
 * at all.
 */
export type Zone = Readonly<
  Record<string, { readonly ttl: number; readonly addresses: ReadonlyArray<string> } | "silence">
>

const types = { A: 1, AAAA: 28 } as const

const nameOf = (message: Buffer): string => {
  const labels: Array<string> = []
  let at = 12
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length))
    at += length + 1
  }
  return labels.join(".").toLowerCase()
}

const bytesOf = (address: string): Buffer => {
  if (!isIPv6(address)) return Buffer.from(address.split(".").map(Number))
  const [head = "", tail = ""] = address.split("::")
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16))
  const [front, back] = [groups(head), groups(tail)]
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]))
}

/** A DNS server on loopback, and what asks it as the machine's own resolver is asked. */
export const dnsServer = async (zone: () => Zone) => {
  const socket = createSocket("udp4")
  const asked: Array<string> = []
  socket.on("message", (message, from) => {
    const name = nameOf(message)
    const end = 12 + name.length + 2 + 4
    const type = message.readUInt16BE(end - 4)
    asked.push(`${name} ${type === types.A ? "A" : "AAAA"}`)
    const known = zone()[name]
    if (known === "silence") return
    const addresses = (known?.addresses ?? []).filter((one) => isIPv6(one) === (type === types.AAAA))
    const head = Buffer.from(message.subarray(0, end))
    head.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2)
    head.writeUInt16BE(addresses.length, 6)
    // No authority, and nothing additional.
    head.writeUInt32BE(0, 8)
    const answers = addresses.map((address) => {
      const data = bytesOf(address)
      const record = Buffer.alloc(12)
      record.writeUInt16BE(0xc00c, 0)
      record.writeUInt16BE(type, 2)
      record.writeUInt16BE(1, 4)
      record.writeUInt32BE(known!.ttl, 6)
      record.writeUInt16BE(data.length, 10)
      return Buffer.concat([record, data])
    })
    socket.send(Buffer.concat([head, ...answers]), from.port, from.address)
  })
  socket.bind(0, "127.0.0.1")
  await once(socket, "listening")
  onTestFinished(() => void socket.close())
  const resolver = new dns.Resolver({ timeout: 300, tries: 2 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    asked,
    resolve4: (name: string) => resolver.resolve4(name, { ttl: true }),
    resolve6: (name: string) => resolver.resolve6(name, { ttl: true }),
  }
}
