import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest"
import { type TcpProxy, tcpProxy } from "../src/index.ts"

const echo = createServer((socket) => {
  socket.on("error", () => socket.destroy())
  socket.pipe(socket)
})

let proxy: TcpProxy
const clients: Array<Socket> = []

beforeAll(async () => {
  echo.listen(0, "127.0.0.1")
  await once(echo, "listening")
})
afterAll(() => {
  echo.close()
})
beforeEach(async () => {
  proxy = await tcpProxy({ host: "127.0.0.1", port: (echo.address() as AddressInfo).port })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.close()
})

const dial = async (): Promise<Socket> => {
  const client = connect(proxy.port, "127.0.0.1").setEncoding("utf8")
  clients.push(client)
  await once(client, "connect")
  return client
}

const said = async (client: Socket, length: number): Promise<string> => {
  let text = ""
  while (text.length < length) text += String((await once(client, "data"))[0])
  return text
}

it("passes on what is sent, to the end", async () => {
  const client = await dial()
  const text = "x".repeat(3_000_000)
  const answer = said(client, text.length)
  client.end(text)
  expect((await answer) === text).toBe(true)
  await once(client, "close")
})

it("names itself in a server's URL, and leaves the rest as it is", () => {
  expect(proxy.url("postgres://user:secret@db.example:5432/name?a=b")).toBe(
    `postgres://user:secret@127.0.0.1:${proxy.port}/name?a=b`,
  )
  expect(proxy.url("redis://cache.example")).toBe(`redis://127.0.0.1:${proxy.port}`)
})

it("drops connections when it is cut, and refuses new ones until it is restored", async () => {
  const client = await dial()
  client.write("a")
  await said(client, 1)
  expect(proxy.connections()).toBe(1)
  const closed = once(client, "close")
  await proxy.cut()
  await closed
  expect(proxy.connections()).toBe(0)
  await expect(dial()).rejects.toMatchObject({ code: "ECONNREFUSED" })
  await proxy.restore()
  const again = await dial()
  again.write("b")
  expect(await said(again, 1)).toBe("b")
})

it("holds back what is sent while it is stalled, on old connections and new ones", async () => {
  const before = await dial()
  before.write("a")
  await said(before, 1)
  proxy.stall()
  const during = await dial()
  const heard: Array<string> = []
  before.on("data", (text) => heard.push(`before ${text}`))
  during.on("data", (text) => heard.push(`during ${text}`))
  before.write("1")
  during.write("2")
  // What goes around the proxy is there and back meanwhile.
  const direct = connect((echo.address() as AddressInfo).port, "127.0.0.1")
  clients.push(direct)
  direct.write("3")
  await once(direct, "data")
  expect(heard).toEqual([])
  await proxy.restore()
  while (heard.length < 2) await new Promise((resolve) => setImmediate(resolve))
  expect(heard.sort()).toEqual(["before 1", "during 2"])
})

it("moved to another server, leaves what is connected where it is", async () => {
  const shouting = createServer((socket) =>
    socket.on("data", (text) => socket.write(String(text).toUpperCase())),
  )
  shouting.listen(0, "127.0.0.1")
  await once(shouting, "listening")
  const before = await dial()
  before.write("a")
  await said(before, 1)
  proxy.moveTo({ host: "127.0.0.1", port: (shouting.address() as AddressInfo).port })
  const after = await dial()
  after.write("b")
  expect(await said(after, 1)).toBe("B")
  before.write("c")
  expect(await said(before, 1)).toBe("c")
  await proxy.cut()
  shouting.close()
})
