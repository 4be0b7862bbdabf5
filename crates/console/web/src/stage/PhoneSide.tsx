// The left side: which iPhone, the iPhone itself, and what can be done to it from outside its screen.

import type { About } from "../api/session";
import type { Problem } from "../api/problem";
import { useWords } from "../i18n/language";
import { Icon } from "../parts/Icon";
import { Phone } from "../phone/Phone";
import type { GazeHandle } from "../phone/useGaze";
import type { Listed, Phone as PhoneReading } from "../phone/usePhone";
import { Controls } from "./Controls";
import { DeviceTabs } from "./DeviceTabs";
import styles from "./PhoneSide.module.css";
import { Sounds } from "./Sounds";

interface Props {
  about: About;
  listed: Listed[];
  problem: Problem | undefined;
  chosen: Listed | undefined;
  phone: PhoneReading;
  gaze: GazeHandle;
  onChoose: (name: string) => void;
}

export function PhoneSide({ about, listed, problem, chosen, phone, gaze, onChoose }: Props) {
  const { t } = useWords();
  const state = phone.value;
  const trouble = phone.problem ?? problem;
  const app = state?.apps.find((one) => one.bundle_id === about.demo.bundle_id);
  const link = state?.device.link;
  return (
    <section className={styles.side} aria-label={t.page.phoneSide} id="phone-side" tabIndex={-1}>
      <DeviceTabs listed={listed} chosen={chosen} onChoose={onChoose} />
      {state === undefined ? (
        <div className={styles.waiting} role="status">
          <p>{trouble === undefined ? t.page.reading : t.page.cantRead}</p>
          {trouble !== undefined && <p>{trouble.status === 0 ? t.page.noAnswerMend : trouble.detail}</p>}
        </div>
      ) : (
        <div className={styles.stand}>
          <Phone key={state.device.name} state={state} hands={phone.hands} gaze={gaze} />
          <Controls state={state} hands={phone.hands} gaze={gaze} />
        </div>
      )}
      {state !== undefined && (
        <p className={styles.caption}>
          {app !== undefined && (
            <span>
              <i data-state={app.state} />
              {t.phone.stateOf(app.name, app.state)}
            </span>
          )}
          {state.device.online && link?.connected === false && (
            <span className={styles.away}>
              <Icon name="warning" size={15} />
              {link.why ?? t.phone.notConnected}
            </span>
          )}
          {!state.device.online && <span>{t.phone.airplaneOn}</span>}
          <Sounds device={state.device.name} />
        </p>
      )}
    </section>
  );
}
