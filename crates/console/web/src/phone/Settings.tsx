// The settings of the apps on this iPhone: the switches a user may turn. What a switch does to a notification is decided
// by the device.

import { useId } from "react";
import type { AppDetail, ChangeSetting, SettingName, Settings as AppSettings } from "../api/device";
import { useWords } from "../i18n/language";
import { AppIcon } from "./AppIcon";
import styles from "./Settings.module.css";
import type { Hands, PhoneState } from "./usePhone";

export function Settings({ state, hands }: { state: PhoneState; hands: Hands }) {
  const { t } = useWords();
  return (
    <section className={styles.page} aria-labelledby="settings-title">
      <h3 id="settings-title">{t.phone.settings}</h3>
      {state.apps.map((app) => (
        <OfApp
          key={app.bundle_id}
          app={app}
          settings={state.settings[app.bundle_id]}
          onChange={(change) => void hands.change(app.bundle_id, change)}
        />
      ))}
    </section>
  );
}

interface OfAppProps {
  app: AppDetail;
  /** Absent: the app never asked, so there is nothing to allow. */
  settings: AppSettings | undefined;
  onChange: (change: ChangeSetting) => void;
}

function OfApp({ app, settings, onChange }: OfAppProps) {
  const { t } = useWords();
  const turn = (setting: SettingName) => (on: boolean) => onChange({ setting, on });
  const allowed = ["authorized", "provisional", "ephemeral"].includes(settings?.authorization_status ?? "");
  return (
    <>
      <p className={styles.app}>
        <AppIcon bundle={app.bundle_id} name={app.name} size={32} />
        {app.name}
      </p>
      {settings === undefined ? (
        <p className={styles.hint}>{t.settings.neverAsked(app.name)}</p>
      ) : (
        <div className={styles.group}>
          <Switch label={t.settings.allow} on={allowed} onTurn={turn("allow-notifications")} />
        </div>
      )}
      {settings !== undefined && allowed && (
        <>
          <div className={styles.group}>
            <Switch label={t.settings.alert} on={settings.alert_setting === "enabled"} onTurn={turn("alert")} />
            <Switch
              label={t.settings.lockScreen}
              on={settings.lock_screen_setting === "enabled"}
              onTurn={turn("lock-screen")}
            />
            <Switch
              label={t.settings.center}
              on={settings.notification_center_setting === "enabled"}
              onTurn={turn("notification-center")}
            />
            <Switch label={t.settings.sound} on={settings.sound_setting === "enabled"} onTurn={turn("sound")} />
            <Switch label={t.settings.badge} on={settings.badge_setting === "enabled"} onTurn={turn("badge")} />
            {settings.time_sensitive_setting !== "not-supported" && (
              <Switch
                label={t.settings.timeSensitive}
                on={settings.time_sensitive_setting === "enabled"}
                onTurn={turn("time-sensitive")}
              />
            )}
          </div>
          <div className={styles.group}>
            <Choice
              label={t.settings.style}
              value={settings.alert_style}
              options={t.settings.styles}
              onChange={(style) => onChange({ setting: "alert-style", style })}
            />
            <Choice
              label={t.settings.previews}
              value={settings.show_previews_setting}
              options={t.settings.previewsWhen}
              onChange={(when) => onChange({ setting: "show-previews", when })}
            />
          </div>
        </>
      )}
      <div className={styles.group}>
        <Switch label={t.settings.refresh} on={app.background_refresh} onTurn={turn("background-app-refresh")} />
      </div>
    </>
  );
}

function Switch({ label, on, onTurn }: { label: string; on: boolean; onTurn: (on: boolean) => void }) {
  return (
    <button type="button" role="switch" aria-checked={on} className={styles.row} onClick={() => onTurn(!on)}>
      <span>{label}</span>
      <i className={styles.switch} />
    </button>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: Record<T, string>;
  onChange: (value: T) => void;
}

function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div className={styles.row}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value as T)}>
        {Object.entries<string>(options).map(([word, text]) => (
          <option key={word} value={word}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
