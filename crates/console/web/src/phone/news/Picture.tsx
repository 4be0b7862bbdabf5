// A picture for a page: drawn from its address, so that the same page always has the same one. Nothing is loaded.

import styles from "./Picture.module.css";

const TINTS = 5;

/** A number that is the same for the same text. */
function numberOf(text: string): number {
  let sum = 7;
  for (const letter of text) {
    sum = (sum * 33 + (letter.codePointAt(0) ?? 0)) % 65_521;
  }
  return sum;
}

export function Picture({ of }: { of: string }) {
  const number = numberOf(of);
  const [a, b, c] = [number % 90, (number >> 3) % 60, (number >> 6) % 70];
  return (
    <svg
      className={styles.picture}
      data-tint={number % TINTS}
      viewBox="0 0 300 150"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      focusable="false"
    >
      <rect className={styles.sky} width="300" height="150" />
      <circle className={styles.sun} cx={60 + a * 2} cy={34 + b / 3} r={20 + b / 5} />
      <path className={styles.far} d={`M0 ${96 - b / 4}L${60 + a} ${50 + c / 4}l70 46 ${40 + b}-30L300 ${100 - c / 3}V150H0z`} />
      <path className={styles.near} d={`M0 ${128 - c / 6}c60-${20 + b / 3} 130-${10 + a / 5} 300 ${b / 6}V150H0z`} />
    </svg>
  );
}
