/** Stands in the file's header and says whose file it is: "MILL" in ASCII. */
export const applicationId = 0x4d494c4c

/**
 * How a file comes to be what this program works on: the n-th step makes version n (`PRAGMA
 * user_version`) of version n - 1. A step that has been released is never changed.
 *
 * Tables are not STRICT: a text with a NUL inside is stored as a blob, see `bindable`.
 */
export const migrations: ReadonlyArray<string> = [
  `
  -- Positions count entries from 1 without a gap, so a position is also the number of entries up to it.
  -- AUTOINCREMENT keeps the last one in sqlite_sequence, where it outlives the rows and rolls back with them.
  -- What is searched stands before what is large, so that searching never reads the pages a long body overflows to.
  CREATE TABLE entries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    appended_at INTEGER NOT NULL,
    events INTEGER NOT NULL,
    total_events INTEGER NOT NULL,
    total_bytes INTEGER NOT NULL,
    id TEXT NOT NULL,
    envelope BLOB NOT NULL,
    body BLOB NOT NULL
  );

  -- Where the log begins: the last entry trimmed, the sums up to it, and up to where all cursors are through.
  CREATE TABLE log (
    tail INTEGER NOT NULL,
    tail_at INTEGER NOT NULL,
    tail_events INTEGER NOT NULL,
    tail_bytes INTEGER NOT NULL,
    released INTEGER NOT NULL
  );
  INSERT INTO log VALUES (0, 0, 0, 0, 0);

  -- The newest ids among the trimmed, so that a retry is known as such even then.
  CREATE TABLE trimmed_ids (position INTEGER PRIMARY KEY, id TEXT NOT NULL);

  CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    position TEXT,
    event_index INTEGER,
    state TEXT
  ) WITHOUT ROWID;

  -- One sequence of epochs for all cursors, so that a removed one leaves nothing to remember.
  CREATE TABLE epochs (last INTEGER NOT NULL);
  INSERT INTO epochs VALUES (0);

  CREATE TABLE dead_letters (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    dead_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    destination TEXT NOT NULL,
    event_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER,
    received_at INTEGER NOT NULL,
    replayed_at INTEGER,
    event_name TEXT NOT NULL,
    message TEXT NOT NULL,
    event TEXT NOT NULL
  );
  CREATE UNIQUE INDEX dead_letters_by_event ON dead_letters (event_id, destination);
  CREATE INDEX dead_letters_by_destination ON dead_letters (destination, sequence);

  CREATE TABLE dead_letter_totals (letters INTEGER NOT NULL, bytes INTEGER NOT NULL);
  INSERT INTO dead_letter_totals VALUES (0, 0);
  CREATE TRIGGER dead_letter_added AFTER INSERT ON dead_letters BEGIN
    UPDATE dead_letter_totals SET letters = letters + 1, bytes = bytes + new.bytes;
  END;
  CREATE TRIGGER dead_letter_removed AFTER DELETE ON dead_letters BEGIN
    UPDATE dead_letter_totals SET letters = letters - 1, bytes = bytes - old.bytes;
  END;

  -- ordinal counts the failures, and the successes, of one destination: what is too many goes by one range.
  CREATE TABLE attempts (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    failed INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    webhook_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    wait INTEGER,
    wait_reason TEXT
  );
  CREATE UNIQUE INDEX attempts_by_destination ON attempts (destination, failed, ordinal);

  CREATE TABLE destinations (
    id TEXT PRIMARY KEY,
    config TEXT,
    disabled_at INTEGER,
    disabled_reason TEXT,
    created_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE keys (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE counters (
    hour INTEGER NOT NULL,
    event_name TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, event_name)
  ) WITHOUT ROWID;
  `,
  `
  -- Entries that are committed together share rows: a row of many costs little more than a row of one. Of a packed row
  -- position and appended_at are those of the last entry, events is the sum, the totals are those up to the last entry,
  -- id is all their ids, envelope an index (five numbers of each entry, 8 bytes each in the machine's order, see packing.ts),
  -- body their envelopes and bodies. 0 and 1 take no bytes of their own, so it does no harm that packed comes last.
  ALTER TABLE entries ADD COLUMN packed INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Where generations of the log have begun: number is the position of the last entry that survived. The first one has no row.
  CREATE TABLE generations (generation INTEGER PRIMARY KEY, number INTEGER NOT NULL);

  -- No sequences of tables, see stamp.ts.
  INSERT INTO sqlite_sequence (name, seq) VALUES ('commits', 0), ('checkpointed', 0);
  `,
  `
  -- What others have said last. Its bytes are written in pieces, before the row that points to them by their version.
  CREATE TABLE documents (
    name TEXT PRIMARY KEY,
    saved_at INTEGER NOT NULL,
    meta TEXT NOT NULL,
    version TEXT NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE document_pieces (
    version TEXT NOT NULL,
    piece INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (version, piece)
  );
  `,
  `
  -- What names a destination's selection, and since when it is this one; from where to where an attempt reaches. As JSON.
  ALTER TABLE destinations ADD COLUMN selection TEXT;
  ALTER TABLE attempts ADD COLUMN places TEXT;
  `,
  `
  -- What a key is for, and its last characters.
  ALTER TABLE keys ADD COLUMN name TEXT;
  ALTER TABLE keys ADD COLUMN hint TEXT;
  `,
]
