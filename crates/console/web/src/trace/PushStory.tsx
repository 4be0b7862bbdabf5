// One push: its funnel as it fills, why not, its payload, and its notifications, each a step to its own story.

import { useEffect } from "react";
import { provider, type PushNotification } from "../api/provider";
import { useWords } from "../i18n/language";
import { useEars } from "../live/streams";
import { useReading } from "../live/useReading";
import { Chip, type Tone } from "../parts/Chip";
import { Icon } from "../parts/Icon";
import type { Listed } from "../phone/usePhone";
import { Audience, short } from "../sender/Audience";
import { Funnel } from "../sender/Funnel";
import { saying } from "../sender/funnel";
import { Reasons } from "../sender/Reasons";
import styles from "./Story.module.css";

interface Props {
  bundle: string;
  id: string;
  listed: Listed[];
  onNotification: (apnsId: string) => void;
}

/** Counts also rise without this page's doing; the stream tells of most. */
const LOOK_AGAIN_MS = 3_000;

export function PushStory({ bundle, id, listed, onNotification }: Props) {
  const { t, moment } = useWords();
  const reading = useReading(id, () => provider.push(bundle, id));
  const { value: push, problem, again } = reading;
  useEars({
    gap: () => void again(),
    push: (told) => {
      if (told.push_id === id) {
        void again();
      }
    },
  });
  useEffect(() => {
    const timer = window.setInterval(() => document.hidden || void again(), LOOK_AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [again]);
  if (push === undefined) {
    return (
      <div className={styles.story}>
        <h2 id="story-title">{problem === undefined ? t.page.reading : t.page.cantRead}</h2>
        <p>{problem?.detail}</p>
      </div>
    );
  }
  const { title, body } = saying(push.payload);
  return (
    <div className={styles.story}>
      <p className={styles.kind}>{t.story.push}</p>
      <h2 id="story-title">{title ?? body ?? t.arrivals.silent}</h2>
      {title !== undefined && body !== undefined && <p className={styles.body}>{body}</p>}
      <p className={styles.meta}>
        <Audience push={push} /> <time dateTime={push.created_at}>{moment(Date.parse(push.created_at))}</time>
      </p>
      <Funnel counts={push.counts} large />
      <Reasons push={push} />
      <h3>{t.story.notifications}</h3>
      {push.notifications.length === 0 ? (
        <p className={styles.body}>{t.story.noNotifications}</p>
      ) : (
        <ul className={styles.rows}>
          {push.notifications.map((notification) => (
            <li key={notification.apns_id}>
              <button type="button" onClick={() => onNotification(notification.apns_id)}>
                <span>
                  <strong>{nameOf(notification, listed, t.phone.nameOf)}</strong>
                  {notification.user !== null && ` · ${notification.user}`}
                </span>
                <Chip tone={toneOf(notification)}>{t.states[stateOf(notification)]}</Chip>
                <Icon name="chevronRight" size={16} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {push.notifications_truncated && <p className={styles.body}>{t.story.truncated}</p>}
      <h3>{t.send.payload}</h3>
      <pre className={styles.payload}>{JSON.stringify(push.payload, null, 2)}</pre>
    </div>
  );
}

function nameOf(notification: PushNotification, listed: Listed[], name: (device: string) => string): string {
  const device = listed.find(({ app }) => app?.device_token === notification.token)?.device.name;
  return device === undefined ? short(notification.token) : name(device);
}

type State = PushNotification["state"] | "delivered" | "displayed" | "suppressed" | "opened";

/** How far it came, in the word of its last step. */
function stateOf(notification: PushNotification): State {
  if (notification.opened) {
    return "opened";
  }
  if (notification.displayed) {
    return "displayed";
  }
  if (notification.suppressed) {
    return "suppressed";
  }
  return notification.delivered ? "delivered" : notification.state;
}

function toneOf(notification: PushNotification): Tone {
  const state = stateOf(notification);
  if (state === "opened" || state === "displayed") {
    return "good";
  }
  if (state === "refused" || state === "failed") {
    return "bad";
  }
  return state === "suppressed" || state === "withdrawn" ? "warn" : "accent";
}
