// One notification: what the device decided and why, and the whole way as a timeline, live while it is open.

import { useEffect } from "react";
import { type Arrival, devices } from "../api/device";
import { gateway, type Trace } from "../api/gateway";
import { provider, type ProviderTrace } from "../api/provider";
import { useWords } from "../i18n/language";
import { useEars } from "../live/streams";
import { useReading } from "../live/useReading";
import { Button } from "../parts/Button";
import { CopyButton } from "../parts/CopyButton";
import { Icon, type IconName } from "../parts/Icon";
import type { Listed } from "../phone/usePhone";
import { Decision } from "./Decision";
import styles from "./Story.module.css";
import { steps } from "./steps";
import { Timeline } from "./Timeline";

interface Props {
  bundle: string;
  apnsId: string;
  listed: Listed[];
  onPush: (id: string) => void;
}

interface Story {
  /** Of all notifications that carry this apns-id, the last. */
  own: ProviderTrace | undefined;
  trace: Trace | undefined;
  arrival: Arrival | undefined;
  device: string | undefined;
}

/** The push service writes traces in batches, so the last step may be told a moment after it happened. */
const LOOK_AGAIN_MS = 2_000;
const ARRIVALS = 500;

async function readStory(bundle: string, apnsId: string, listed: Listed[]): Promise<Story> {
  const [own, traces] = await Promise.all([provider.traces(bundle, apnsId), gateway.traces(apnsId)]);
  const trace = own.at(-1);
  // Its token says on which iPhone it is; without one every iPhone is asked.
  const mine = listed.filter(({ app }) => app?.device_token === trace?.token);
  const ask = mine.length > 0 ? mine : listed;
  const arrivals = await Promise.all(
    ask.map(async ({ device }) => {
      const all = await devices.arrivals(device.name, ARRIVALS);
      const arrival = all.find((one) => one.apns_id.toLowerCase() === apnsId.toLowerCase());
      return { device: device.name, arrival };
    }),
  );
  const found = arrivals.find(({ arrival }) => arrival !== undefined);
  return { own: trace, trace: traces.at(-1), arrival: found?.arrival, device: found?.device ?? mine[0]?.device.name };
}

export function NotificationStory({ bundle, apnsId, listed, onPush }: Props) {
  const { t } = useWords();
  const reading = useReading(`${apnsId} ${listed.length}`, () => readStory(bundle, apnsId, listed));
  const { value: story, problem, again } = reading;
  useEars({
    gap: () => void again(),
    happening: () => void again(),
    push: ({ push_id }) => {
      if (push_id === story?.own?.push_id) {
        void again();
      }
    },
  });
  useEffect(() => {
    const timer = window.setInterval(() => document.hidden || void again(), LOOK_AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [again]);
  if (story === undefined) {
    return (
      <div className={styles.story}>
        <h2 id="story-title">{problem === undefined ? t.page.reading : t.page.cantRead}</h2>
        <p>{problem?.detail}</p>
      </div>
    );
  }
  const { own, trace, arrival, device } = story;
  const all = steps(own, trace);
  return (
    <div className={styles.story}>
      <p className={styles.kind}>
        {t.story.notification}
        {device !== undefined && ` · ${t.phone.nameOf(device)}`}
      </p>
      <h2 id="story-title">{arrival?.title || arrival?.body || t.story.untitled}</h2>
      {arrival !== undefined && arrival.title !== "" && <p className={styles.body}>{arrival.body}</p>}
      {arrival !== undefined && <Decided arrival={arrival} />}
      <h3>{t.story.way}</h3>
      {all.length === 0 ? <p className={styles.body}>{t.story.noTrace}</p> : <Timeline steps={all} />}
      <dl className={styles.facts}>
        <dt>apns-id</dt>
        <dd>
          <code>{apnsId}</code>
          <CopyButton text={apnsId} label={t.story.copyId} />
        </dd>
        {own?.user && (
          <>
            <dt>{t.send.user}</dt>
            <dd>{own.user}</dd>
          </>
        )}
        {typeof trace?.seq === "number" && (
          <>
            <dt>seq</dt>
            <dd>{trace.seq}</dd>
          </>
        )}
      </dl>
      {own !== undefined && (
        <Button look="quiet" size="small" icon="server" onClick={() => onPush(own.push_id)}>
          {t.story.toPush}
        </Button>
      )}
    </div>
  );
}

const SURFACES: Record<string, IconName> = {
  banner: "banner",
  "persistent-banner": "banner",
  "lock-screen": "lockScreen",
  "notification-center": "list",
  sound: "sound",
  badge: "badge",
};

function Decided({ arrival }: { arrival: Arrival }) {
  const { t } = useWords();
  const { decision } = arrival;
  const reason = decision?.reason ?? "";
  const why =
    decision === null
      ? t.story.openYet
      : decision.stage === "displayed"
        ? t.story.displayedWhy
        : (t.reasons[reason]?.why ?? arrival.why);
  return (
    <section className={styles.decision} aria-label={t.story.decision}>
      <p>
        <Decision decision={decision} />
        {arrival.app_state !== null && <span>{t.story.whenItCame(t.appStates[arrival.app_state])}</span>}
      </p>
      <p className={styles.why}>{why}</p>
      {decision !== null && decision.surfaces.length > 0 && (
        <ul aria-label={t.story.surfaces}>
          {decision.surfaces.map((surface) => (
            <li key={surface}>
              <Icon name={SURFACES[surface] ?? "info"} size={16} />
              {t.surfaces[surface]}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
