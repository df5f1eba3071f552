/** What a key is for, and its last characters. */
export const keyNames = (s: string): string => `
ALTER TABLE ${s}.keys ADD COLUMN name text;
ALTER TABLE ${s}.keys ADD COLUMN hint text;
`
