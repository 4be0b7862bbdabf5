// The page's icons, drawn here on a grid of 20: lines in the colour of the text around them. An icon never carries
// meaning alone: beside it stands a word, or its button has a label.

const PATHS = {
  app: "M4.5 3h4v4h-4zM11.5 3h4v4h-4zM4.5 10h4v4h-4z M11.5 10h4v4h-4z M7 17h6",
  arrowLeft: "M12 4.5 6.5 10l5.5 5.5",
  badge: "M11.5 4H6a2.5 2.5 0 0 0-2.5 2.5V14A2.5 2.5 0 0 0 6 16.5h7.5A2.5 2.5 0 0 0 16 14V8.5M16.8 5a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0z",
  banner: "M3.5 4.5h13a1 1 0 0 1 1 1v4a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1v-4a1 1 0 0 1 1-1zM5.5 7.5h1M9 7.5h5.5M6 14h8",
  bell: "M10 3a4.5 4.5 0 0 1 4.5 4.5c0 3.5 1.5 5 2 5.5h-13c.5-.5 2-2 2-5.5A4.5 4.5 0 0 1 10 3zM8.3 15.5a1.8 1.8 0 0 0 3.4 0",
  bellOff: "M6.2 5.2A4.5 4.5 0 0 1 14.5 7.5c0 2 .5 3.4 1 4.3M12.5 13h-9c.5-.5 2-2 2-5.5M8.3 15.5a1.8 1.8 0 0 0 3.4 0M3.5 3.5l13 13",
  check: "M4 10.5l4 4 8-9",
  chevronDown: "M5.5 8l4.5 4.5L14.5 8",
  chevronRight: "M8 5.5 12.5 10 8 14.5",
  clock: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6v4l2.8 1.8",
  close: "M5 5l10 10M15 5 5 15",
  cloud: "M6 15.5a3.5 3.5 0 0 1-.4-7A4.7 4.7 0 0 1 14.6 9 3.3 3.3 0 0 1 14.2 15.5z",
  copy: "M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3",
  error: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6.5v4.3M10 13.4v.1",
  home: "M3.5 10 10 4l6.5 6M5.5 8.5v7.5h9V8.5",
  info: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 9.3v4.2M10 6.6v.1",
  key: "M12.5 3.5a4 4 0 1 1-3 6.6L4 15.6V17h2.5v-1.7H8v-1.7h1.5l1-1M13.5 6.5v.1",
  language: "M3 5h8M7 3v2M9.5 5c-.6 3-3 5.8-6 7M5 7c.8 2 2.6 3.900 5 5M10.5 17l3.3-8 3.3 8M11.8 14.2h4",
  list: "M4 5.5h.1M7 5.5h9M4 10h.1M7 10h9M4 14.5h.1M7 14.5h9",
  lock: "M5.5 9h9v7.5h-9zM7.3 9V6.5a2.7 2.7 0 0 1 5.4 0V9",
  lockScreen: "M6.5 2.5h7A1.5 1.5 0 0 1 15 4v12a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 5 16V4a1.5 1.5 0 0 1 1.5-1.5zM8 9.5h4v3.3H8zM8.8 9.5V8.4a1.2 1.2 0 0 1 2.4 0v1.1",
  moon: "M15.5 12A6.5 6.5 0 0 1 8 4.5 6.5 6.5 0 1 0 15.5 12z",
  more: "M4.5 10h.1M10 10h.1M15.5 10h.1",
  path: "M4.5 4.5h.1M4.6 7v6M4.5 15.5h.1M8 4.5h8.5M8 10h6M4.5 10h.1M8 15.5h8.5",
  phone: "M6.5 2.5h7A1.5 1.5 0 0 1 15 4v12a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 5 16V4a1.5 1.5 0 0 1 1.5-1.5zM8.8 15h2.4",
  plane: "M10 2.5c.9 0 1.2.9 1.2 2V8l6 3.7v1.5l-6-1.7v3.3l1.8 1.4v1.1L10 16.5l-3 .8v-1.1l1.8-1.4v-3.3l-6 1.7v-1.5l6-3.7V4.5c0-1.1.3-2 1.2-2z",
  plus: "M10 4v12M4 10h12",
  send: "M3 9.5 17 3.5 12.5 17l-3-6zM9.5 11 17 3.5",
  server: "M3.5 4h13v5h-13zM3.5 11h13v5h-13zM6 6.5h.1M6 13.5h.1M9 6.5h5M9 13.5h5",
  settings: "M4 6h7M14.5 6H16M4 14h1.5M9 14h7M14.5 6a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0zM9 14a1.8 1.8 0 1 1-3.6 0A1.8 1.8 0 0 1 9 14z",
  signOut: "M8.5 3.5h-4v13h4M8.5 10h8M13.5 6.8 16.7 10l-3.2 3.2",
  sound: "M3.5 8v4h2.7l3.8 3.3V4.7L6.2 8zM12.8 7.5a3.5 3.5 0 0 1 0 5M15 5.3a6.6 6.6 0 0 1 0 9.4",
  sun: "M10 6.8a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4zM10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M15.3 4.7l-1 1M5.7 14.3l-1 1",
  system: "M3.5 4.5h13v9h-13zM7.5 16.5h5M10 13.5v3",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v5M11.5 9v5",
  user: "M10 3.5a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4zM3.8 16.5c.6-3 3-4.5 6.2-4.5s5.6 1.5 6.2 4.5",
  warning: "M10 3.5 17.5 16h-15zM10 8.2v3.6M10 13.900v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
