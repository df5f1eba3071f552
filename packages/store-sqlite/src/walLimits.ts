/**
 * Where SQLite, in the middle of a commit, begins to bring it into the file itself: when we have
 * not come to it, because somebody reads. In bytes.
 */
export const checkpointAfter = 4 * 1024 * 1024

/** Four times that. */
export const walLimit = 16 * 1024 * 1024
