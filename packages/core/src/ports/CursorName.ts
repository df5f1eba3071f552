/** What a lane's cursor is called after. */
export interface CursorName {
  readonly destination: string
  readonly partition: number
  /** `null` for live traffic. */
  readonly replay: string | null
}

export const cursorName = ({ destination, partition, replay }: CursorName): string =>
  replay === null ? `${destination}/${partition}` : `${destination}/${partition}/${replay}`

/** `null` for a name that {@link cursorName} has not made. */
export const parseCursorName = (name: string): CursorName | null => {
  const [, destination, partition, replay] = /^([^/]+)\/(\d+)(?:\/(.+))?$/.exec(name) ?? []
  if (destination === undefined || partition === undefined) return null
  return { destination, partition: Number(partition), replay: replay ?? null }
}
