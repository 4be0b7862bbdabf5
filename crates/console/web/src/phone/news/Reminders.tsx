// The app's reminders of articles: local notifications. When one comes is the device's to decide; that an article has one
// reminder follows from its identifier, which is the article's.

import { type FormEvent, useId, useState } from "react";
import { type NewsScreen, type Said, touches, type Waiting } from "../../api/news";
import { useWords } from "../../i18n/language";
import { Segments } from "../../parts/Segments";
import { countdown, daily, identifierOf } from "./clockTime";
import styles from "./Reminders.module.css";

interface Props {
  screen: NewsScreen;
  touch: (what: Record<string, unknown>) => void;
}

export function Reminders({ screen, touch }: Props) {
  const { t } = useWords();
  return (
    <div className={styles.page}>
      <NewReminder touch={touch} />
      <p role="status" className={styles.said} data-refused={screen.said?.did === "refused" || undefined}>
        {screen.said !== null && <Saying said={screen.said} />}
      </p>
      <Requests
        title={t.news.waiting}
        none={t.news.nothingWaits}
        requests={screen.pending}
        act={t.news.cancel}
        actOn={t.news.cancelOne}
        onAct={(identifier) => touch(touches.cancel(identifier))}
      />
      <Requests
        title={t.news.inCenter}
        none={t.news.nothingInCenter}
        requests={screen.delivered}
        act={t.news.withdraw}
        actOn={t.news.withdrawOne}
        onAct={(identifier) => touch(touches.withdraw(identifier))}
      />
    </div>
  );
}

function NewReminder({ touch }: Pick<Props, "touch">) {
  const { t } = useWords();
  const id = useId();
  const [url, setUrl] = useState(t.news.items[0]?.url ?? "");
  const [kind, setKind] = useState<"in" | "daily">("in");
  const [seconds, setSeconds] = useState("10");
  const [time, setTime] = useState("08:00");
  const identifier = identifierOf(url);
  const when = kind === "in" ? countdown(seconds) : daily(time);
  const set = (event: FormEvent) => {
    event.preventDefault();
    const article = t.news.items.find((item) => item.url === url);
    if (when !== undefined && article !== undefined) {
      const what = { title: article.title, body: t.news.remindBody, url };
      touch(touches.schedule(identifier, what, when));
    }
  };
  return (
    <form className={styles.card} aria-label={t.news.newReminder} onSubmit={set}>
      <label htmlFor={`${id}of`}>{t.news.remindOf}</label>
      <select id={`${id}of`} value={url} onChange={(event) => setUrl(event.target.value)}>
        {t.news.items.map((item) => (
          <option key={item.url} value={item.url}>
            {item.title}
          </option>
        ))}
      </select>
      <div className={styles.when}>
        <Segments
          label={t.news.when}
          size="small"
          value={kind}
          onChange={setKind}
          options={[
            { value: "in", label: t.news.whenIn },
            { value: "daily", label: t.news.whenDaily },
          ]}
        />
        <span className={styles.amount}>
          {kind === "in" ? (
            <>
              <input
                aria-label={t.news.seconds}
                inputMode="numeric"
                value={seconds}
                maxLength={5}
                onChange={(event) => setSeconds(event.target.value)}
              />
              <span aria-hidden="true">{t.news.secondsShort}</span>
            </>
          ) : (
            <input
              aria-label={t.news.timeOfDay}
              type="time"
              value={time}
              onChange={(event) => setTime(event.target.value)}
            />
          )}
        </span>
      </div>
      <button type="submit" className={styles.do} aria-disabled={when === undefined || undefined}>
        {t.news.setReminder}
      </button>
      <p className={styles.hint}>
        {when === undefined ? (kind === "in" ? t.news.secondsWrong : t.news.timeWrong) : t.news.remindHint(identifier)}
      </p>
    </form>
  );
}

function Saying({ said }: { said: Said }) {
  const { t } = useWords();
  if (said.did !== "refused") {
    return t.news.did[said.did](said.identifier);
  }
  const notAllowed = said.error?.domain === "UNErrorDomain" && said.error.code === 1;
  return notAllowed ? t.news.refused : said.error?.message;
}

interface RequestsProps {
  title: string;
  none: string;
  requests: Waiting[];
  /** What can be done to one, in a word, and in words that say to which. */
  act: string;
  actOn: (identifier: string) => string;
  onAct: (identifier: string) => void;
}

function Requests({ title, none, requests, act, actOn, onAct }: RequestsProps) {
  const { t, dayAndTime, seconds } = useWords();
  const id = useId();
  return (
    <section className={styles.card} aria-labelledby={id}>
      <h4 id={id}>{title}</h4>
      {requests.length === 0 && <p className={styles.hint}>{none}</p>}
      <ul>
        {requests.map((request) => (
          <li key={request.identifier}>
            <span>
              <strong>{request.title}</strong>
              {request.remote ? t.news.fromPushService : <code>{request.identifier}</code>}
              {request.next !== null && (
                <time>{request.repeats ? t.news.dailyNext(dayAndTime(request.next)) : t.news.onceAt(seconds(request.next))}</time>
              )}
            </span>
            <button type="button" aria-label={actOn(request.identifier)} onClick={() => onAct(request.identifier)}>
              {act}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
