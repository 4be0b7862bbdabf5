// Whom a push was for, in one line.

import type { Push } from "../api/provider";
import { useWords } from "../i18n/language";
import styles from "./Audience.module.css";

/** A token is long; its two ends tell it apart. */
export const short = (token: string): string =>
  token.length > 14 ? `${token.slice(0, 6)}…${token.slice(-4)}` : token;

export function Audience({ push }: { push: Pick<Push, "audience" | "environment" | "policy"> }) {
  const { t, list, number } = useWords();
  const { audience } = push;
  const few = (names: string[], rest: (n: string) => string) => {
    const all = names.length + (audience.more ?? 0);
    return all > 3 ? rest(number(all)) : list(names);
  };
  const whom =
    "user" in audience
      ? t.pushes.toUser(audience.user)
      : "users" in audience
        ? t.pushes.toUser(few(audience.users, t.pushes.users))
        : "token" in audience
          ? t.pushes.toToken(short(audience.token))
          : "tag" in audience
            ? t.pushes.toTag(audience.tag)
            : t.pushes.toToken(few(audience.tokens.map(short), t.pushes.tokens));
  const byUser = "user" in audience || "users" in audience;
  return (
    <span className={styles.audience}>
      {whom} · {t.environments[push.environment]}
      {byUser && <> · {t.policies[push.policy]}</>}
    </span>
  );
}
