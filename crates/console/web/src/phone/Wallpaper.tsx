// The picture behind the home screen, drawn: hills, a low sun, and a bird on its way home. Each iPhone has its own light,
// so that two of them are told apart at a glance.

import styles from "./Wallpaper.module.css";

/** The lights there are; the stylesheet has their colours. */
const LIGHTS = 4;

function lightOf(name: string): number {
  if (name.endsWith("development")) {
    return 0;
  }
  if (name.endsWith("production")) {
    return 1;
  }
  let sum = 0;
  for (const letter of name) {
    sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  }
  return 2 + (sum % (LIGHTS - 2));
}

export function Wallpaper({ name, dimmed }: { name: string; dimmed: boolean }) {
  return (
    <div className={styles.wallpaper} data-light={lightOf(name)} data-dimmed={dimmed || undefined} aria-hidden="true">
      <svg viewBox="0 0 340 700" preserveAspectRatio="xMidYMax slice" focusable="false">
        <circle className={styles.sun} cx="232" cy="402" r="54" />
        <path className={styles.far} d="M0 470c40-34 76-44 112-30 34 13 52 34 96 10s70-44 132-14v264H0z" />
        <path className={styles.middle} d="M0 536c58-40 104-36 150-8 42 26 92 26 190-34v206H0z" />
        <path className={styles.near} d="M0 612c70-44 146-40 206-8 46 24 86 20 134-6v102H0z" />
        <path
          className={styles.bird}
          transform="translate(-18 52)"
          d="M92 330c14-1 24 4 32 13 3-13 12-22 30-27-6 8-9 15-10 23 6-1 12 1 17 5-8 0-14 2-19 7-9 9-20 12-32 9 5-3 9-6 11-10-10-2-19-8-29-20z"
        />
      </svg>
    </div>
  );
}
