import { Icon, Logo } from "../parts/Icon.tsx"
import { Menu, type MenuItem } from "../parts/Menu.tsx"
import { flipValues, hideValues } from "../state/preferences.ts"
import { route } from "../state/route.ts"
import { isReadOnly, server, signOut } from "../state/session.ts"
import { status } from "../state/status.ts"
import { flipTheme } from "../state/theme.ts"
import { stateOf } from "../text/destinationState.ts"
import { count, sum } from "../text/numbers.ts"
import { openShortcuts } from "./openShortcuts.tsx"
import { pages } from "./pages.ts"

interface Badge {
  readonly text: string
  readonly tone: "dead" | "plain"
  /** Completes it for screen readers, and for whoever points at it. */
  readonly what: string
}

/** What is to be seen from everywhere: destinations that fail, and letters. */
const badges = (): Readonly<Record<string, Badge>> => {
  const { value } = status
  if (value === null) return {}
  const failing = value.destinations.filter((row) => ["failing", "gone"].includes(stateOf(row))).length
  const letters = sum(Object.values(value.deadLetters))
  return {
    ...(failing === 0 ? {} : { destinations: { text: count(failing), tone: "dead", what: "failing" } }),
    ...(letters === 0 ? {} : { "dead-letters": { text: count(letters), tone: "plain", what: "letters" } }),
  }
}

const current = (name: string) => (route.value.page === name ? "page" : undefined)

const NavLink = ({ name }: { readonly name: string }) => {
  const { title, icon } = pages[name]!
  const badge = badges()[name]
  return (
    <a class="nav-link" href={`#/${name}`} aria-current={current(name)}>
      <Icon name={icon} />
      <span>{title}</span>
      {badge && (
        <span class={`badge tone-${badge.tone}`} title={`${badge.text} ${badge.what}`}>
          {badge.text}
          <span class="sr"> {badge.what}</span>
        </span>
      )}
    </a>
  )
}

const accountItems = (): ReadonlyArray<MenuItem> => [
  { text: hideValues.value ? "Show users' values" : "Hide users' values", onClick: flipValues },
  { text: "Light or dark", onClick: flipTheme },
  { text: "Sign out", onClick: () => void signOut() },
]

/** At the left, where there is room. */
export const SideBar = () => (
  <nav class="side" aria-label="Main">
    <a class="brand" href="#/overview" aria-label="Millrace, overview">
      <Logo />
      <span>millrace</span>
    </a>
    <div class="nav-links">
      {Object.keys(pages).map((name) => (
        <NavLink key={name} name={name} />
      ))}
    </div>
    <div class="side-foot">
      <div class="who">
        <div>
          <b>{location.host}</b>
          <small>
            {server.value === null ? "" : `${server.value.version} · `}
            {isReadOnly.value ? "read-only" : "full access"}
          </small>
        </div>
        <Menu
          label="Account and help"
          items={[{ text: "Keyboard shortcuts", hint: "?", onClick: openShortcuts }, ...accountItems()]}
        />
      </div>
    </div>
  </nav>
)

/** Pages that have a place of their own in the bar; the others are under "More". */
const inBar = 4

/** At the bottom of narrow screens, where the thumb is. */
export const BottomBar = () => {
  const names = Object.keys(pages)
  const others = names.slice(inBar)
  const shownBadges = badges()
  return (
    <nav class="bottom" aria-label="Main">
      {names.slice(0, inBar).map((name) => {
        const { title, short = title, icon } = pages[name]!
        const badge = shownBadges[name]
        return (
          <a key={name} href={`#/${name}`} aria-current={current(name)}>
            <Icon name={icon} />
            <span>{short}</span>
            {badge && (
              <i class={`dot tone-${badge.tone}`}>
                <span class="sr">
                  {badge.text} {badge.what}
                </span>
              </i>
            )}
          </a>
        )
      })}
      <Menu
        label="More"
        items={[
          ...others.map((name) => ({ text: pages[name]!.title, icon: pages[name]!.icon, href: `#/${name}` })),
          ...(others.length > 0 ? [null] : []),
          ...accountItems(),
        ]}
        button={{
          class: "bottom-more",
          current: others.includes(route.value.page),
          inside: (
            <>
              <Icon name="more" />
              <span>More</span>
            </>
          ),
        }}
      />
    </nav>
  )
}
