import { useState } from "preact/hooks"
import type { NameRow } from "../../api/rows.ts"
import {
  type FilterForm,
  isByDefault,
  isTicked,
  type Selection,
  tick,
  tickedOf,
} from "../../logic/filterForm.ts"
import { Button } from "../../parts/Button.tsx"
import { CheckBox } from "../../parts/CheckBox.tsx"
import { Icon } from "../../parts/Icon.tsx"
import { More, shownAtOnce } from "../../parts/More.tsx"
import { Spark } from "../../parts/Spark.tsx"
import { TextInput } from "../../parts/TextInput.tsx"
import { Toggle } from "../../parts/Toggle.tsx"
import { TriCheck } from "../../parts/TriCheck.tsx"
import { shown } from "../../text/escape.ts"
import { count } from "../../text/numbers.ts"

/** A row of the table: names without a volume are those that only the filter knows. */
export type CustomName = Pick<NameRow, "eventName" | "volume" | "hours">

const customNames = (names: ReadonlyArray<NameRow>, form: FilterForm): ReadonlyArray<CustomName> => {
  const custom = names.filter(({ category }) => category === "custom")
  const known = new Set(custom.map(({ eventName }) => eventName))
  const others = Object.keys(form.customEvents).filter((name) => !known.has(name))
  return [...custom, ...others.map((eventName) => ({ eventName, volume: 0, hours: [] }))]
}

interface CustomEventsProps {
  readonly form: FilterForm
  readonly saved: Selection
  readonly names: ReadonlyArray<NameRow>
  readonly onChange: (form: FilterForm) => void
}

/** The table of Statsig's dialog: a tick for each name of the last day. */
export const CustomEvents = ({ form, saved, names, onChange }: CustomEventsProps) => {
  const [search, look] = useState("")
  const [most, show] = useState(shownAtOnce)
  const all = customNames(names, form)
  const sought = search.toLowerCase()
  const rows = all.filter(({ eventName }) => eventName.toLowerCase().includes(sought))
  const isOff = !form.categories.custom
  const switchedOn = (of: FilterForm) => ({ ...of, categories: { ...form.categories, custom: true } })
  const set = (eventNames: ReadonlyArray<string>, isOn: boolean) => {
    const ticked = tick(form, saved, eventNames, isOn)
    // A tick in a category that is off would say what is not so.
    onChange(isOn && isOff ? switchedOn(ticked) : ticked)
  }
  const rowNames = rows.map(({ eventName }) => eventName)
  return (
    <section class="custom">
      <div class="line">
        <div>
          <h3>Custom Events</h3>
          <p>Events fired via a Statsig client SDK or the log_event API endpoint.</p>
        </div>
        <span class="spacer" />
        <Toggle
          label="Include new events by default"
          on={form.newCustomEvents}
          onFlip={(newCustomEvents) => onChange({ ...form, newCustomEvents })}
        />
      </div>
      {isOff && (
        <p class="ink-wait">
          The whole category is off: none of these is sent.{" "}
          <Button small onClick={() => onChange(switchedOn(form))}>
            Switch it on
          </Button>
        </p>
      )}
      <div class="search-line">
        <Icon name="find" />
        <TextInput
          type="search"
          value={search}
          placeholder="Search events"
          aria-label="Search events"
          onText={look}
        />
      </div>
      <div class="scroll is-short" tabIndex={0} role="region" aria-label="Custom events">
        <table class="data is-tight">
          <caption class="sr">Custom events</caption>
          <thead>
            <tr>
              <th scope="col" class="check">
                {/* biome-ignore lint/a11y/noLabelWithoutControl: the check-box is a component */}
                <label>
                  <TriCheck
                    label="Track all events shown"
                    state={isOff ? "none" : tickedOf(form, rowNames)}
                    onFlip={(isOn) => set(rowNames, isOn)}
                  />
                  <span>Tracking</span>
                </label>
              </th>
              <th scope="col">Event</th>
              <th scope="col" class="num">
                Volume (Last Day)
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.length === 0 && (
              <tr>
                <td class="none" colSpan={3}>
                  {search === "" ? (
                    <>
                      <b>No Events</b>
                      <br />
                      No event data has been reported.
                    </>
                  ) : (
                    `No event's name has "${shown(search)}" in it.`
                  )}
                </td>
              </tr>
            )}
            {rows.slice(0, most).map(({ eventName, volume, hours }) => {
              const isOn = !isOff && isTicked(form, eventName)
              return (
                <tr key={eventName}>
                  <td>
                    <CheckBox
                      aria-label={`Track ${shown(eventName)}`}
                      checked={isOn}
                      onFlip={(on) => set([eventName], on)}
                    />
                  </td>
                  <td>
                    <code>{shown(eventName)}</code>
                    {isOn && isByDefault(form, eventName) && <small class="ink-3"> by default</small>}
                  </td>
                  <td class="num">
                    {hours.length > 0 && (
                      <Spark values={hours} width={60} height={16} tone={isOn ? "flow" : "skip"} bars />
                    )}
                    <span class="volume">{count(volume)}</span>
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
        <More shown={most} all={rows.length} onShow={show} />
      </div>
    </section>
  )
}
