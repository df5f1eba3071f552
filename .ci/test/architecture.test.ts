import { readdirSync } from "node:fs"
import { join, normalize } from "node:path"
import { describe, expect, it } from "vitest"
import { stabilityOf, usesOfEffect } from "./effectStability.ts"
import { againstOrder, arrowsIn, circlesOf } from "./imports.ts"
import { examples, filesIn, importsOf, type Manifest, packageOf, packages, read, root } from "./sources.ts"

/**
 * What a package may import of its siblings: dependencies point one way. A new package has to say
 * where it stands.
 */
const below = (folder: string): ReadonlyArray<string> => {
  switch (folder) {
    case "core":
    case "test-servers":
      return []
    case "node":
    case "statsig":
    case "web":
    case "console":
      return ["core"]
    case "express":
    case "fastify":
      return ["core", "node"]
    case "nest":
      return ["core", "node", "express", "fastify"]
    case "testkit":
      return ["core", "node"]
    case "test-sdks":
      return ["core", "node", "test-servers"]
    case "server":
      return packages
        .map((found) => found.folder)
        .filter((name) => !["server", "bench", "nest", "test-servers", "test-sdks"].includes(name))
    case "bench":
      return packages
        .map((found) => found.folder)
        .filter((name) => !["server", "bench", "testkit", "test-sdks"].includes(name))
  }
  if (folder.startsWith("store-")) return ["core"]
  throw new Error(`packages/${folder}: say in this test what it may import`)
}

const folderOf = new Map(packages.map(({ folder, manifest }) => [manifest.name, folder]))

const declared = (manifest: Manifest, ...kinds: ReadonlyArray<keyof Manifest>): ReadonlySet<string> =>
  new Set(kinds.flatMap((kind) => Object.keys((manifest[kind] ?? {}) as object)))

const rootManifest = JSON.parse(read("package.json")) as Manifest

const scripts = [".ts", ".tsx", ".mjs"]

describe.each(packages)("packages/$folder", ({ folder, path, manifest }) => {
  const imports = filesIn(`${path}/src`, ...scripts).flatMap(importsOf)

  it("imports only what stands below it", () => {
    const allowed = below(folder)
    const siblings = imports.flatMap(({ file, specifier }) => {
      const sibling = folderOf.get(packageOf(specifier) ?? "")
      return sibling === undefined || allowed.includes(sibling) ? [] : [`${file}: ${specifier}`]
    })
    expect(imports.length).toBeGreaterThan(0)
    expect(siblings).toEqual([])
  })

  it("stays inside itself", () => {
    const outside = imports.flatMap(({ file, specifier }) =>
      specifier.startsWith(".") && !normalize(join(file, "..", specifier)).startsWith(`${path}/src/`)
        ? [`${file}: ${specifier}`]
        : [],
    )
    expect(outside).toEqual([])
  })

  it("declares what it imports", () => {
    const known = declared(manifest, "dependencies", "peerDependencies")
    const knownToTests = new Set([
      ...known,
      manifest.name,
      ...declared(manifest, "devDependencies"),
      ...declared(rootManifest, "devDependencies"),
    ])
    const tests = ["test", "demo", "bin"]
      .flatMap((name) => filesIn(`${path}/${name}`, ...scripts))
      .flatMap(importsOf)
    const missing = (all: typeof imports, names: ReadonlySet<string>) =>
      all.flatMap(({ file, specifier }) => {
        const name = packageOf(specifier)
        return name === null || names.has(name) ? [] : [`${file}: ${name}`]
      })
    expect(missing(imports, known)).toEqual([])
    expect(missing(tests, knownToTests)).toEqual([])
  })

  it("imports modules of Effect, not the barrel", () => {
    expect(imports.filter(({ specifier }) => specifier === "effect")).toEqual([])
  })

  it("depends on its siblings in their present version", () => {
    const wrong = packages.flatMap((sibling) => {
      const asked =
        manifest.dependencies?.[sibling.manifest.name] ?? manifest.devDependencies?.[sibling.manifest.name]
      return asked === undefined || asked === sibling.manifest["version"]
        ? []
        : [`${sibling.folder}: ${asked}`]
    })
    expect(wrong).toEqual([])
  })
})

/** What only tests use is checked as it is imported, as source. */
const checkedByThemselves = packages.filter(({ folder }) => !["test-servers", "test-sdks"].includes(folder))

describe.each(checkedByThemselves)("packages/$folder", ({ path }) => {
  it("is type-checked after what it imports", () => {
    const config = JSON.parse(read(`${path}/tsconfig.json`)) as {
      references: ReadonlyArray<{ path: string }>
    }
    const references = config.references.map((reference) => reference.path.replace("../", ""))
    const siblings = filesIn(`${path}/src`, ...scripts)
      .flatMap(importsOf)
      .map(({ specifier }) => folderOf.get(packageOf(specifier) ?? ""))
      .filter((sibling) => checkedByThemselves.some(({ folder }) => folder === sibling))
    expect(references).toEqual(expect.arrayContaining(siblings))
  })
})

const published = packages.filter(({ manifest }) => manifest.private !== true)

describe.each(published)("packages/$folder, as published,", ({ path, manifest }) => {
  it.runIf(manifest.private !== true)(
    "asks for Effect as a peer, and says what a registry needs to know",
    () => {
      // Two copies would be two runtimes. The command is nobody's dependency, so it brings its own.
      const effect = manifest[manifest["bin"] === undefined ? "peerDependencies" : "dependencies"]
      expect(effect).toMatchObject({ effect: "^4.1.0" })
      expect(manifest).toMatchObject({
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        description: expect.stringMatching(/\S/),
        license: "MIT",
        repository: {
          type: "git",
          url: "git+https://github.com/millrace/millrace.git",
          directory: path,
        },
        homepage: `https://github.com/millrace/millrace/tree/main/${path}#readme`,
        bugs: { url: "https://github.com/millrace/millrace/issues" },
        scripts: expect.objectContaining({ prepack: "node ../../.ci/build.mjs --if-needed --types" }),
        keywords: expect.arrayContaining(["millrace"]),
        type: "module",
        sideEffects: false,
        engines: { node: ">=20.19" },
        exports: expect.anything(),
        files: expect.anything(),
      })
      expect(read(`${path}/LICENSE`)).toBe(read("LICENSE"))
    },
  )
})

describe.each(["core", "web"])("packages/%s", (folder) => {
  it("runs anywhere: no module of Node, no framework", () => {
    const imports = filesIn(`packages/${folder}/src`, ".ts").flatMap(importsOf)
    const allowed = new Set(["effect", "uuid", "@millrace/core"])
    const others = imports.flatMap(({ file, specifier }) =>
      specifier.startsWith(".") || allowed.has(packageOf(specifier) ?? "") ? [] : [`${file}: ${specifier}`],
    )
    expect(others).toEqual([])
  })
})

describe("packages/core", () => {
  const files = filesIn("packages/core/src", ".ts")

  it("uses only what Effect calls stable", () => {
    const uses = files.flatMap((file) => usesOfEffect(file, read(file)))
    expect(uses.length).toBeGreaterThan(100)
    expect(uses.filter(({ module, member }) => stabilityOf(module, member) !== "stable")).toEqual([])
    // The reading itself has to tell them apart.
    expect(stabilityOf("effect/LayerMap", "make")).toBe("unstable")
    expect(stabilityOf("effect/Schema", "ByteSize")).toBe("unstable")
    expect(stabilityOf("effect/Effect", "catch")).toBe("stable")
  })
})

describe("files", () => {
  it.each(packages)(
    "in packages/$folder do not import one another in circles, types included",
    ({ path }) => {
      expect(circlesOf(arrowsIn(`${path}/src`))).toEqual([])
    },
  )

  it("that do are found", () => {
    const arrows = [
      { from: "a", to: "b" },
      { from: "b", to: "c" },
      { from: "c", to: "b" },
      { from: "d", to: "d" },
      { from: "d", to: "a" },
    ]
    expect(circlesOf(arrows)).toEqual([["b", "c"], ["d"]])
  })

  const within = (path: string): string => path.replace("packages/core/src/", "")
  const ofCore = arrowsIn("packages/core/src").map(({ from, to }) => ({ from: within(from), to: within(to) }))

  it("of core's rooms import only what stands below them", () => {
    expect(ofCore.length).toBeGreaterThan(500)
    expect(againstOrder(ofCore)).toEqual([])
  })

  it("that import against that order are found", () => {
    const wrong = [
      { from: "base/json.ts", to: "ports/EventLog.ts" },
      { from: "intake/Wire.ts", to: "deliver/Lane.ts" },
      { from: "deliver/send/Sender.ts", to: "Millrace.ts" },
      { from: "attic/old.ts", to: "base/json.ts" },
    ]
    const right = [
      { from: "Millrace.ts", to: "operate/Tail.ts" },
      { from: "deliver/Lane.ts", to: "deliver/read/Feed.ts" },
      { from: "operate/Tail.ts", to: "base/json.ts" },
    ]
    expect(againstOrder([...right, ...wrong])).toEqual(wrong)
  })
})

it("nothing imports the test kit but tests, and the package that has it all", () => {
  const others = packages.filter(({ folder }) => !["testkit", "server"].includes(folder))
  const imports = others.flatMap(({ path }) => filesIn(`${path}/src`, ...scripts)).flatMap(importsOf)
  expect(imports.filter(({ specifier }) => packageOf(specifier) === "@millrace/testkit")).toEqual([])
  for (const { manifest } of others)
    expect(declared(manifest, "dependencies")).not.toContain("@millrace/testkit")
  const ofServer = filesIn("packages/server/src", ...scripts).flatMap(importsOf)
  expect(
    ofServer.filter(({ specifier }) => packageOf(specifier) === "@millrace/testkit").map(({ file }) => file),
  ).toEqual(["packages/server/src/entry/testkit.ts"])
})

describe("packages/server, as the library by one name,", () => {
  const entries = filesIn("packages/server/src/entry", ".ts")

  it("gives on what the packages have, and nothing else", () => {
    for (const file of entries) {
      const code = read(file)
        .replace(/\/\*[\s\S]*?\*\//g, "")
        .trim()
      expect([file, code]).toEqual([
        file,
        expect.stringMatching(/^(export [^;=]* from "@millrace\/[\w-]+"\s*)+$/),
      ])
    }
  })

  it("says each of them in its exports", () => {
    const { manifest } = packages.find(({ folder }) => folder === "server")!
    const names = entries.map((file) => file.replace(/^.*\/|\.ts$/g, ""))
    const shown = (name: string) => [
      name === "index" ? "." : `./${name}`,
      { types: `./dist/entry/${name}.d.ts`, default: `./dist/entry/${name}.js` },
    ]
    expect(manifest["exports"]).toEqual({
      ...Object.fromEntries(names.map(shown)),
      "./package.json": "./package.json",
    })
  })
})

it("all packages have one version, and the changelog has it", () => {
  const versions = new Set(packages.map(({ manifest }) => manifest["version"]))
  expect(versions.size).toBe(1)
  expect(read("CHANGELOG.md")).toContain(`\n## ${[...versions][0]}`)
})

describe("contracts", () => {
  /** The tests of a package that call a contract suite. */
  const bindings = (folder: string, suite: string) =>
    filesIn(`packages/${folder}/test`, ".contract.test.ts").filter((file) => read(file).includes(`${suite}(`))

  const stores = packages.filter(({ folder }) => folder === "core" || folder.startsWith("store-"))
  const adapters = packages.filter(({ folder }) =>
    ["node", "express", "fastify", "web", "nest"].includes(folder),
  )

  it.each(stores)("the store of packages/$folder keeps the contract of stores", ({ folder }) => {
    expect(bindings(folder, "storeContract")).not.toEqual([])
  })

  it("the transport of packages/node keeps the contract of transports", () => {
    expect(bindings("node", "transportContract")).not.toEqual([])
  })

  it.each(adapters)("packages/$folder keeps the contract of adapters", ({ folder }) => {
    expect(bindings(folder, "adapterContract")).not.toEqual([])
  })
})

describe.each(examples)("examples/$folder", ({ path, manifest }) => {
  it("declares what it imports, and imports what users have", () => {
    const known = declared(manifest, "dependencies", "devDependencies")
    const imports = filesIn(path, ...scripts).flatMap(importsOf)
    const missing = imports.flatMap(({ file, specifier }) => {
      const name = packageOf(specifier)
      const isOutside = specifier.startsWith(".") && !join(file, "..", specifier).startsWith(`${path}/`)
      return isOutside || (name !== null && !known.has(name)) ? [`${file}: ${specifier}`] : []
    })
    expect(imports.length).toBeGreaterThan(0)
    expect(missing).toEqual([])
    expect(manifest.private).toBe(true)
  })

  it("is short enough to be read at a glance", () => {
    // What holds an example to its word is read by who changes it.
    const shown = filesIn(path, ".ts").filter((file) => path.includes("/test-") || !file.endsWith(".test.ts"))
    const lengths = shown.map((file) => read(file).split("\n").length)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(40)
  })
})

it("nothing grows on the top level", () => {
  const visible = readdirSync(root).filter((name) => !name.startsWith("."))
  const known = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "docs",
    "examples",
    "llms.txt",
    "node_modules",
    "package-lock.json",
    "package.json",
    "packages",
    "tsconfig.json",
    "vitest.config.ts",
    "vitest.workspace.ts",
  ]
  expect(visible.filter((name) => !known.includes(name))).toEqual([])
})
