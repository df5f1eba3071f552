/** What others have said last. The names are in the order of their bytes, as in every store. */
export const documents = (s: string): string => `
CREATE TABLE ${s}.documents (
  name text COLLATE "C" PRIMARY KEY,
  saved_at bigint NOT NULL,
  meta text NOT NULL,
  body bytea NOT NULL
);
-- It is compressed already, mostly.
ALTER TABLE ${s}.documents ALTER COLUMN body SET STORAGE EXTERNAL;
`
