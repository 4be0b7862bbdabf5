// The virtual iPhone: its body, and on its screen what the device's state says is there. It decides nothing about
// notifications; it only remembers where its user looks: at the home screen, the settings, the app switcher, the list.

import { useRef, useState } from "react";
import type { NotificationView } from "../api/device";
import { useWords } from "../i18n/language";
import { useNow } from "../live/clock";
import { useEars } from "../live/streams";
import { useEscape } from "../parts/escape";
import { AppScreen } from "./AppScreen";
import { AppSwitcher } from "./AppSwitcher";
import { Banner } from "./Banner";
import { HomeScreen } from "./HomeScreen";
import { LockScreen } from "./LockScreen";
import { NotificationList } from "./NotificationList";
import styles from "./Phone.module.css";
import { PermissionAlert } from "./PermissionAlert";
import { banner, keyOf, previews, showing } from "./screen";
import { Settings } from "./Settings";
import { StatusBar } from "./StatusBar";
import type { GazeHandle } from "./useGaze";
import type { Hands, PhoneState } from "./usePhone";
import { Wallpaper } from "./Wallpaper";

interface PhoneProps {
  state: PhoneState;
  hands: Hands;
  gaze: GazeHandle;
}

export function Phone({ state, hands, gaze }: PhoneProps) {
  const { t } = useWords();
  const now = useNow(500);
  const screen = useRef<HTMLDivElement>(null);
  const [wiped, setWiped] = useState<ReadonlySet<string>>(new Set());
  const shows = showing(state, gaze.look);
  const shown = banner(state, now, wiped);
  const inFront = shows.what === "app" ? shows.app.bundle_id : undefined;
  const listOpen = gaze.list;
  useEscape(gaze.list || gaze.look !== "home", () => {
    gaze.turn({ list: false, look: "home" });
    screen.current?.focus();
  });

  const open = (notification: NotificationView) => {
    gaze.turn({ list: false });
    void hands.tap(notification);
  };
  // An app leads its user to its page in Settings.
  useEars({
    happening: ({ device, kind, app }) => {
      if (device === state.device.name && kind === "settings-opened") {
        gaze.turn({ look: "settings", leftApp: app });
      }
    },
  });
  const locked = shows.what === "lock";
  const bare = locked || shows.what === "home" || shows.what === "switcher" || listOpen;
  const covered = state.prompt !== null && !locked;
  return (
    <div className={styles.body}>
      <i className={styles.volume} />
      <button
        type="button"
        className={styles.side}
        aria-label={locked ? t.phone.wake : t.phone.lock}
        title={locked ? t.phone.wake : t.phone.lock}
        onClick={() => void hands.lock(!locked)}
      />
      <div
        ref={screen}
        className={styles.screen}
        role="region"
        aria-label={t.phone.screen}
        tabIndex={-1}
      >
        <Wallpaper name={state.device.name} dimmed={listOpen || shows.what === "switcher"} />
        <StatusBar
          state={state}
          now={now}
          onWallpaper={bare}
          back={shows.what === "settings" && !listOpen ? gaze.leftApp : undefined}
          onBack={(app) => void hands.open(app)}
          onPull={() => gaze.turn({ list: !listOpen })}
        />
        <div className={styles.content} inert={covered || (listOpen && !locked)}>
          {shows.what === "lock" && <LockScreen state={state} now={now} hands={hands} />}
          {shows.what === "home" && (
            <HomeScreen
              state={state}
              now={now}
              onOpen={(app) => void hands.open(app)}
              onSettings={() => gaze.turn({ look: "settings" })}
            />
          )}
          {shows.what === "switcher" && (
            <AppSwitcher
              apps={state.apps}
              onOpen={(app) => {
                gaze.turn({ look: "home" });
                void hands.open(app);
              }}
              onForceQuit={(app) => void hands.forceQuit(app)}
              onClose={() => gaze.turn({ look: "home" })}
            />
          )}
          {shows.what === "settings" && <Settings state={state} hands={hands} />}
          {shows.what === "app" && <AppScreen app={shows.app} hands={hands} />}
        </div>
        {listOpen && !locked && (
          <NotificationList
            state={state}
            now={now}
            onOpen={open}
            onClear={(all) => void hands.clear(all)}
            onClose={() => gaze.turn({ list: false })}
          />
        )}
        {shown !== undefined && !listOpen && (
          <Banner
            key={keyOf(shown)}
            notification={shown}
            readable={previews(state.settings[shown.app], false)}
            onOpen={() => open(shown)}
            onWipe={() => setWiped(new Set([...wiped, keyOf(shown)]))}
          />
        )}
        {covered && state.prompt !== null && (
          <PermissionAlert prompt={state.prompt} onAnswer={(allow) => void hands.answer(allow)} />
        )}
        <button
          type="button"
          className={styles.homeBar}
          data-dark={!bare || undefined}
          aria-label={locked ? t.phone.unlock : t.phone.goHome}
          title={locked ? t.phone.unlock : t.phone.goHome}
          onClick={() => {
            gaze.turn({ list: false, look: "home" });
            if (locked) {
              void hands.lock(false);
            } else if (inFront !== undefined) {
              void hands.background(inFront);
            }
          }}
        />
      </div>
    </div>
  );
}
