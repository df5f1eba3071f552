import type { Destination, NameRow } from "../api/rows.ts"
import { destinationHref, href } from "../state/address.ts"
import { stateOf } from "../text/destinationState.ts"
import { count } from "../text/numbers.ts"
import { states } from "../text/words.ts"

export interface Suggestion {
  readonly text: string
  readonly hint: string
  readonly href: string
}

export interface Group {
  readonly title: string
  readonly items: ReadonlyArray<Suggestion>
}

/** A `timeUUID`: version 1, by its time. */
const eventId = /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** A `webhook-id`: the same for every attempt of a batch. */
const webhookId = /^msg_\w+$/

/** Suggestions of one kind at most: a list is looked through, not read. */
const most = 4

/** What somebody may mean by a text; what is likeliest stands first. */
export const suggest = (
  text: string,
  names: ReadonlyArray<Pick<NameRow, "eventName" | "volume">>,
  destinations: ReadonlyArray<Destination>,
  recent: ReadonlyArray<Suggestion>,
): ReadonlyArray<Group> => {
  if (text === "") return recent.length === 0 ? [] : [{ title: "Recent", items: recent }]
  if (eventId.test(text))
    return [
      {
        title: "This looks like an event's id",
        items: [{ text, hint: "Find this event", href: href("live", { event: text.toLowerCase() }) }],
      },
    ]
  if (webhookId.test(text))
    return [
      {
        title: "This looks like a webhook-id",
        items: destinations.slice(0, 2 * most).map(({ id }) => ({
          text: id,
          hint: "Among its attempts",
          href: href(`destinations/${encodeURIComponent(id)}/attempts`, { webhook: text }),
        })),
      },
    ]
  const wanted = text.toLowerCase()
  const matching = names.filter(({ eventName }) => eventName.toLowerCase().includes(wanted)).slice(0, most)
  const events: Group = {
    title: "Events",
    items: [
      { text, hint: "Of this user", href: href("live", { user: text }) },
      { text, hint: "Anywhere in an event", href: href("live", { text }) },
      ...(/[*]/.test(text) ? [{ text, hint: "Names like this", href: href("live", { name: text }) }] : []),
    ],
  }
  const byName: Group = {
    title: "Event names",
    items: matching.map(({ eventName, volume }) => ({
      text: eventName,
      hint: `${count(volume)} in the last day`,
      href: href("live", { name: eventName }),
    })),
  }
  const byDestination: Group = {
    title: "Destinations",
    items: destinations
      .filter(({ id, url }) => id.toLowerCase().includes(wanted) || url.toLowerCase().includes(wanted))
      .slice(0, most)
      .map((row) => ({ text: row.id, hint: states[stateOf(row)].word, href: destinationHref(row.id) })),
  }
  const isName = matching.some(({ eventName }) => eventName.toLowerCase().startsWith(wanted))
  const isDestination = destinations.some(({ id }) => id.toLowerCase() === wanted)
  const groups = isName ? [byName, events, byDestination] : [events, byName, byDestination]
  return (
    isDestination ? [byDestination, ...groups.filter((group) => group !== byDestination)] : groups
  ).filter(({ items }) => items.length > 0)
}
