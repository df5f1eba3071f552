/** 16 px, one weight of line. */
const paths = {
  overview: "M1.5 4c4 0 4 4 7 4h6M1.5 8h13M1.5 12c4 0 4-4 7-4",
  live: "M1.5 8h3l2-5 3 10 2-5h3",
  destinations: "M1.5 8h8M6.5 5l3 3-3 3M13.5 2.5v11",
  letters: "M2 4h12v8.5H2zM2.3 4.4 8 9l5.7-4.6",
  health: "M8 2v12M5 14h6M3 5h10M3 5 1.5 9.2h3zM13 5l-1.5 4.2h3z",
  keys: "M10.5 2.5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8.4 7.6l-5.9 5.9M4.6 11.4l1.7 1.7",
  find: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.4 3.4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  done: "M3 8.5l3.2 3.2L13 5",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M4.5 3l8 5-8 5z",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  down: "M4 6.5l4 4 4-4",
  right: "M6.5 4l4 4-4 4",
  again: "M13 3v3.5H9.5M13 6.5A5.5 5.5 0 1 0 13.5 9",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z",
  sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1",
  warn: "M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.6h.01",
  plus: "M8 3v10M3 8h10",
  eye: "M1.5 8s2.4-4.2 6.5-4.2S14.5 8 14.5 8 12.1 12.2 8 12.2 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z",
  filter: "M2 3h12l-4.7 5.6v4L6.7 14V8.6z",
  link: "M6.5 9.5l3-3M7 4.8l1.4-1.4a2.9 2.9 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.4 1.4a2.9 2.9 0 0 1-4.2-4.2L4.8 7",
} as const

export type IconName = keyof typeof paths

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" width={16} height={16} aria-hidden="true">
    <path d={paths[name]} />
  </svg>
)

/** The wheel and the race. */
export const Logo = () => (
  <svg class="logo" viewBox="0 0 24 24" width={24} height={24} aria-hidden="true">
    <path class="logo-water" d="M1 8.5c4.5 0 4 4.5 7 4.5" />
    <path class="logo-water" d="M1 13c3 0 3 3.5 6.2 4.4" />
    <circle class="logo-wheel" cx={15.5} cy={12} r={6.6} />
    <path class="logo-wheel" d="M15.5 5.4v13.2M8.9 12h13.2M10.8 7.3l9.4 9.4M20.2 7.3l-9.4 9.4" />
  </svg>
)
