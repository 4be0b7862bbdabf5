// Who is logged in where, as the provider knows it: the binding of users to iPhones that decides where a push goes.

import { useEffect } from "react";
import { type Installation, provider } from "../api/provider";
import { useWords } from "../i18n/language";
import { useEars } from "../live/streams";
import { useReading } from "../live/useReading";
import { Card, Empty } from "../parts/Card";
import type { Listed } from "../phone/usePhone";
import { short } from "./Audience";
import styles from "./Users.module.css";

const MOST = 200;
/** Bindings also change by other hands than this page's, and no stream tells of them. */
const LOOK_AGAIN_MS = 10_000;

interface Props {
  bundle: string;
  listed: Listed[];
  onChoose: (device: string) => void;
}

/** The live installations of each user, the last to log in first. */
export function byUser(installations: Installation[]): [string, Installation[]][] {
  const users = new Map<string, Installation[]>();
  const live = installations.filter((installation) => installation.state === "live");
  for (const installation of live.toSorted((a, b) => (b.bound_at ?? "").localeCompare(a.bound_at ?? ""))) {
    if (installation.user !== null) {
      users.set(installation.user, [...(users.get(installation.user) ?? []), installation]);
    }
  }
  return [...users].toSorted(([a], [b]) => a.localeCompare(b));
}

export function Users({ bundle, listed, onChoose }: Props) {
  const { t } = useWords();
  const reading = useReading(bundle, () => provider.installations(bundle, MOST));
  const { again } = reading;
  useEars({
    gap: () => void again(),
    happening: ({ kind }) => {
      if (kind === "screen" || kind === "token" || kind === "removed" || kind === "changed") {
        void again();
      }
    },
  });
  useEffect(() => {
    const timer = window.setInterval(() => document.hidden || void again(), LOOK_AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [again]);
  const users = byUser(reading.value ?? []);
  return (
    <Card title={t.users.title}>
      {users.length === 0 ? (
        <Empty title={reading.problem === undefined ? t.users.none : t.page.cantRead}>
          {reading.problem === undefined ? t.users.noneMend : reading.problem.detail}
        </Empty>
      ) : (
        <ul className={styles.users}>
          {users.map(([user, installations]) => (
            <li key={user}>
              <strong>{user}</strong>
              <span className={styles.where}>
                {installations.map(({ token, environment }) => {
                  const device = listed.find(({ app }) => app?.device_token === token)?.device.name;
                  return device === undefined ? (
                    <span key={token} className={styles.elsewhere}>
                      {short(token)} · {t.environments[environment]}
                    </span>
                  ) : (
                    <button key={token} type="button" onClick={() => onChoose(device)}>
                      {t.phone.nameOf(device)}
                    </button>
                  );
                })}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
