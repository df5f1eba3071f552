import { describe, expect, it, onTestFinished, vi } from "vitest"
import * as AddressGuard from "../../src/addressGuard.ts"
import { maxRoutes, Routes, unusedFor } from "../../src/internal/routes.ts"

const url = new URL("https://hook.example/")

const open = () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  onTestFinished(() => void vi.useRealTimers())
  const routes = new Routes(AddressGuard.make({}), () => null)
  onTestFinished(() => routes.close())
  return routes
}

const through = (n: number) => ({ proxy: `http://proxy-${n}.example` })

describe("routes", () => {
  it("are one for the same connection, however it is given, and none for the usual one", () => {
    const routes = open()
    for (const connection of [undefined, {}, { proxy: "env" }]) routes.to(url, connection)
    expect(routes.size).toBe(0)
    for (let count = 0; count < 3; count++) routes.to(url, through(1))
    expect(routes.size).toBe(1)
    routes.to(url, { ...through(1), tls: {} })
    routes.to(url, { ...through(1), tls: { servername: "a.example" } })
    expect(routes.size).toBe(2)
  })

  it("are retired when nobody has asked for them for minutes", () => {
    const routes = open()
    routes.to(url, through(1))
    vi.advanceTimersByTime(unusedFor - 1)
    routes.to(url, through(1))
    routes.to(url, through(2))
    vi.advanceTimersByTime(unusedFor - 1)
    expect(routes.size).toBe(2)
    vi.advanceTimersByTime(1)
    expect(routes.size).toBe(0)
  })

  it("are no more than there may be: who was asked for longest ago goes first", () => {
    const routes = open()
    for (let n = 0; n < maxRoutes; n++) routes.to(url, through(n))
    routes.to(url, through(0))
    routes.to(url, through(maxRoutes))
    expect(routes.size).toBe(maxRoutes)
    routes.to(url, through(0))
    expect(routes.size).toBe(maxRoutes)
  })
})
