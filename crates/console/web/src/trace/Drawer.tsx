// The drawer at the right: one push, or one notification, and everything that is known of it. It leaves the iPhone in
// sight, so that its story can be watched as it goes on. Escape closes it and gives the focus back.

import { type ReactNode, useEffect, useRef } from "react";
import { useWords } from "../i18n/language";
import type { Route } from "../live/route";
import { IconButton } from "../parts/Button";
import { useEscape } from "../parts/escape";
import type { Listed } from "../phone/usePhone";
import styles from "./Drawer.module.css";
import { NotificationStory } from "./NotificationStory";
import { PushStory } from "./PushStory";

interface Props {
  bundle: string;
  listed: Listed[];
  route: Route;
  go: (route: Route) => void;
}

export function Drawer({ bundle, listed, route, go }: Props) {
  switch (route.open) {
    case "nothing":
      return null;
    case "push":
      return (
        <Panel onClose={() => go({ open: "nothing" })}>
          <PushStory
            key={route.id}
            bundle={bundle}
            id={route.id}
            listed={listed}
            onNotification={(apnsId) => go({ open: "notification", apnsId })}
          />
        </Panel>
      );
    case "notification":
      return (
        <Panel onClose={() => go({ open: "nothing" })}>
          <NotificationStory
            key={route.apnsId}
            bundle={bundle}
            apnsId={route.apnsId}
            listed={listed}
            onPush={(id) => go({ open: "push", id })}
          />
        </Panel>
      );
  }
}

function Panel({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  const { t } = useWords();
  const panel = useRef<HTMLElement>(null);
  useEscape(true, onClose);
  useEffect(() => {
    const opener = document.activeElement;
    panel.current?.focus();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) {
        opener.focus();
      }
    };
  }, []);
  return (
    <aside ref={panel} className={styles.drawer} role="dialog" aria-labelledby="story-title" tabIndex={-1}>
      <div className={styles.close}>
        <IconButton icon="close" label={t.page.close} onClick={onClose} />
      </div>
      {children}
    </aside>
  );
}
