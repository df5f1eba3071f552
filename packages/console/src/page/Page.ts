/**
 * The page's files. They are read once and kept, so that no path of a request ever reaches the
 * disk; anybody may have them, since there is nothing in them but the program.
 */
import { createHash } from "node:crypto"
import { readdirSync, readFileSync, statSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { extname, join, relative, sep } from "node:path"
import { promisify } from "node:util"
import { brotliCompress, gzip } from "node:zlib"

/** The page has a dozen files. */
const maxFiles = 200

/** Bytes of one. */
const maxBytes = 4 * 1024 * 1024

/** Others are not served. */
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
}

const isText = (type: string): boolean => /^text\/|json|svg/.test(type)

/** What Vite writes into the names of files whose content never changes. */
const hashed = /-[\w-]{8,}\.\w+$/

const codings = { br: promisify(brotliCompress), gzip: promisify(gzip) } as const

type Coding = keyof typeof codings

interface File {
  readonly body: Buffer
  readonly type: string
  readonly etag: string
  readonly caching: string
  /** Made when they are first asked for. */
  readonly compressed: Map<Coding, Promise<Buffer>>
}

export type Page = ReadonlyMap<string, File>

const fileOf = (path: string, name: string): ReadonlyArray<readonly [string, File]> => {
  const type = types[extname(name)]
  if (type === undefined || statSync(path).size > maxBytes) return []
  const body = readFileSync(path)
  return [
    [
      name,
      {
        body,
        type,
        etag: createHash("sha256").update(body).digest("base64url").slice(0, 22),
        caching: hashed.test(name) ? "public, max-age=31536000, immutable" : "no-cache",
        compressed: new Map(),
      },
    ],
  ]
}

/** Reads a directory; a page that was not built has no files. */
export const load = (directory: string): Page => {
  const found = (() => {
    try {
      return readdirSync(directory, { recursive: true, withFileTypes: true })
    } catch {
      return []
    }
  })()
  return new Map(
    found
      .filter((entry) => entry.isFile())
      .slice(0, maxFiles)
      .flatMap((entry) => {
        const path = join(entry.parentPath, entry.name)
        return fileOf(path, relative(directory, path).split(sep).join("/"))
      }),
  )
}

/** Below this nothing is gained. */
const minCompressed = 512

const codingFor = (req: IncomingMessage, { type, body }: File): Coding | null => {
  if (!isText(type) || body.length < minCompressed) return null
  const accepted = [req.headers["accept-encoding"] ?? []].flat().join(",").toLowerCase()
  const takes = (coding: Coding): boolean =>
    new RegExp(`(^|,)\\s*${coding}\\s*(;\\s*q=(?!0(\\.0*)?\\s*(,|$))[^,]*)?(,|$)`).test(accepted)
  return takes("br") ? "br" : takes("gzip") ? "gzip" : null
}

const compress = (file: File, coding: Coding): Promise<Buffer> => {
  const made = file.compressed.get(coding) ?? codings[coding](file.body)
  file.compressed.set(coding, made)
  return made
}

/** @param name below the console's path, without a slash before it */
export const serve = async (
  page: Page,
  req: IncomingMessage,
  res: ServerResponse,
  name: string,
): Promise<void> => {
  const isRead = req.method === "GET" || req.method === "HEAD"
  const file = page.get(name === "" ? "index.html" : name)
  if (file === undefined || !isRead) {
    const [status, text] = file === undefined ? [404, "not found"] : [405, "method not allowed"]
    res.writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "content-length": text.length,
      "cache-control": "no-store",
      ...(status === 405 ? { allow: "GET, HEAD" } : {}),
    })
    return void res.end(text)
  }
  const coding = codingFor(req, file)
  const etag = `"${file.etag}${coding === null ? "" : `-${coding}`}"`
  const headers = { etag, "cache-control": file.caching, vary: "accept-encoding" }
  const known = (req.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""))
  if (known.includes(etag)) return void res.writeHead(304, headers).end()
  const body = coding === null ? file.body : await compress(file, coding)
  res.writeHead(200, {
    ...headers,
    "content-type": file.type,
    "content-length": body.length,
    ...(coding === null ? {} : { "content-encoding": coding }),
  })
  res.end(req.method === "HEAD" ? undefined : body)
}
