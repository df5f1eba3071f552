/** What sends a first event: the sections of `samples/senders.txt`. */
export const senders = ["curl", "JavaScript", "Node", "Python", "iOS", "Another"] as const

export type Sender = (typeof senders)[number]
