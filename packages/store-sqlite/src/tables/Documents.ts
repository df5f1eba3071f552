import type { Documents } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Limits } from "../limits.ts"
import type { Space } from "../Room.ts"
import { bytes, number, text } from "../row.ts"

/** A document whose pieces have been written, under a version that no other one has. */
export type Written = Omit<Documents.Document, "body"> & { readonly version: string }

/**
 * ms. Pieces that are no document's by then were left by somebody who was stopped while writing.
 */
const patience = 60 * 60 * 1000

/**
 * Bytes that have to be free before a piece is written, besides what is kept for everything else.
 * Nothing is dropped for a document, and none takes what events will need soon.
 */
const margin = 8 * 1024 * 1024

/** @param space that the disk has */
export const documents = (connection: Connection, { maxDocuments }: Limits["documents"], space: Space) => {
  const remove = (name: string): void => {
    connection.run(
      "DELETE FROM document_pieces WHERE version = (SELECT version FROM documents WHERE name = ?)",
      name,
    )
    connection.run("DELETE FROM documents WHERE name = ?", name)
  }

  return {
    get(name: string): Documents.Document | null {
      const row = connection.get("SELECT * FROM documents WHERE name = ?", name)
      if (row === undefined) return null
      const pieces = connection
        .all("SELECT body FROM document_pieces WHERE version = ? ORDER BY piece", text(row, "version"))
        .map((piece) => bytes(piece, "body"))
      const body = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
      let at = 0
      for (const piece of pieces) {
        body.set(piece, at)
        at += piece.length
      }
      return { name, savedAt: number(row, "saved_at"), meta: text(row, "meta"), body }
    },

    /**
     * Writes a part of a document that is no document yet. Returns why there is no room for it.
     */
    putPiece(version: string, piece: number, body: Uint8Array, now: number): string | null {
      if (!space.has(margin)) return space.problem(margin) ?? "the disk has no room for a document"
      connection.run(
        "INSERT INTO document_pieces (version, piece, written_at, body) VALUES (?, ?, ?, ?)",
        version,
        piece,
        now,
        body,
      )
      return null
    },

    /** Gives up a document whose pieces have not all been written. */
    dropPieces(version: string): void {
      connection.run(
        `DELETE FROM document_pieces
         WHERE version = ? AND version NOT IN (SELECT version FROM documents)`,
        version,
      )
    },

    /** Makes a document of its pieces, in the place of what was there. */
    put({ name, savedAt, meta, version }: Written, now: number): void {
      remove(name)
      connection.run(
        "INSERT INTO documents (name, saved_at, meta, version) VALUES (?, ?, ?, ?)",
        name,
        savedAt,
        meta,
        version,
      )
      const surplus = connection.all(
        "SELECT name FROM documents ORDER BY saved_at DESC, name LIMIT -1 OFFSET ?",
        maxDocuments,
      )
      for (const row of surplus) remove(text(row, "name"))
      connection.run(
        `DELETE FROM document_pieces
         WHERE written_at < ? AND version NOT IN (SELECT version FROM documents)`,
        now - patience,
      )
    },

    remove,
  }
}

export type DocumentsTable = ReturnType<typeof documents>
