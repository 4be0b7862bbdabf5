// The one screen: the iPhones at the left, what they decided beside them, the sender's side at the right, and the drawer
// that tells one notification's or one push's story. On a narrow window one side at a time.

import { useState } from "react";
import type { About } from "../api/session";
import { Drawer } from "../trace/Drawer";
import { useWords } from "../i18n/language";
import { useKept } from "../live/kept";
import { useRoute } from "../live/route";
import { useGaze } from "../phone/useGaze";
import { useDevices, usePhone } from "../phone/usePhone";
import { Icon } from "../parts/Icon";
import { Pushes } from "../sender/Pushes";
import { SendForm } from "../sender/SendForm";
import { usePushes } from "../sender/usePushes";
import { Users } from "../sender/Users";
import { Arrivals } from "./Arrivals";
import { Guide } from "./Guide";
import { PhoneSide } from "./PhoneSide";
import styles from "./Stage.module.css";

export function Stage({ about }: { about: About }) {
  const { t } = useWords();
  const bundle = about.demo.bundle_id;
  const [kept, keep] = useKept("device");
  const [side, setSide] = useState<"phone" | "sender">("phone");
  const [route, go] = useRoute();
  const devices = useDevices(bundle);
  const listed = devices.value ?? [];
  const chosen = listed.find((one) => one.device.name === kept) ?? listed[0];
  const phone = usePhone(chosen?.device.name);
  const pushes = usePushes(bundle);
  const showSide = (next: typeof side) => {
    setSide(next);
    window.scrollTo(0, 0);
  };
  const inFront = phone.value?.apps.find((app) => app.state === "foreground")?.bundle_id;
  const gaze = useGaze(chosen?.device.name, inFront);
  return (
    <div className={styles.stage} data-side={side}>
      <Guide
        bundle={bundle}
        phone={phone.value}
        pushes={pushes.list}
        onTrace={() => {
          const newest = pushes.list.find((push) => push.counts.opened > 0);
          if (newest !== undefined) {
            go({ open: "push", id: newest.push_id });
          }
        }}
      />
      <div className={styles.columns}>
        <PhoneSide
          about={about}
          listed={listed}
          problem={devices.problem}
          chosen={chosen}
          phone={phone}
          gaze={gaze}
          onChoose={keep}
        />
        <div className={styles.decided}>
          <Arrivals phone={phone} onOpen={(apnsId) => go({ open: "notification", apnsId })} />
          <Users bundle={bundle} listed={listed} onChoose={keep} />
        </div>
        <div className={styles.sender}>
          <SendForm about={about} chosen={chosen} onSent={pushes.again} />
          <Pushes pushes={pushes} onOpen={(id) => go({ open: "push", id })} />
        </div>
      </div>
      <Drawer bundle={bundle} listed={listed} route={route} go={go} />
      <nav className={styles.sides} aria-label={t.page.sides}>
        <button type="button" aria-pressed={side === "phone"} onClick={() => showSide("phone")}>
          <Icon name="phone" />
          {t.page.phoneSide}
        </button>
        <button type="button" aria-pressed={side === "sender"} onClick={() => showSide("sender")}>
          <Icon name="send" />
          {t.page.senderSide}
        </button>
      </nav>
    </div>
  );
}
