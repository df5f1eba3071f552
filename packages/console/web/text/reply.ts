/**
 * What a receiver has said, for where its status stands already: "answered 422: no such field"
 * without what it begins with. Empty when the status was all.
 */
export const replyText = (message: string): string => message.replace(/^answered \d{3}(?:: *|$)/, "")
