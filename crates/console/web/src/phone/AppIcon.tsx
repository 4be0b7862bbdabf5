// An app's icon with its badge. The demo's and the settings' are drawn; another app has its first letter.

import styles from "./AppIcon.module.css";

/** What stands for the settings, which aren't an app of the device. */
export const SETTINGS = "settings";

export function AppIcon({ bundle, name, size }: { bundle: string; name: string; size: number }) {
  const kind = bundle === SETTINGS ? "settings" : bundle.endsWith(".news") ? "news" : "other";
  return (
    <svg
      className={styles.icon}
      data-kind={kind}
      width={size}
      height={size}
      viewBox="0 0 60 60"
      aria-hidden="true"
      focusable="false"
    >
      <rect className={styles.ground} width="60" height="60" rx="14" />
      {kind === "news" && (
        <>
          <path d="M13 17h27v26a4 4 0 0 0 4 4H17a4 4 0 0 1-4-4z" fill="#fff" />
          <path d="M40 24h7v19a3.5 3.5 0 0 1-7 0z" fill="#fff" opacity=".72" />
          <path d="M18 23h17M18 39h9M18 43h9" className={styles.print} />
          <path d="M18 28h7v7h-7z" className={styles.picture} />
          <path d="M29 29h6M29 34h6M31 39h4M31 43h4" className={styles.print} />
        </>
      )}
      {kind === "settings" && (
        <path
          d="M14 20h32M14 30h32M14 40h32M42 20a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0zM27 30a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0zM38 40a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0z"
          className={styles.sliders}
        />
      )}
      {kind === "other" && (
        <text x="30" y="40" textAnchor="middle" fontSize="29" fontWeight="700" fill="#fff">
          {[...name][0]?.toUpperCase() ?? "?"}
        </text>
      )}
    </svg>
  );
}
