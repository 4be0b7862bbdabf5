// The pushes, newest first, each with its funnel as it fills, and why what didn't get through didn't.

import { useState } from "react";
import type { Push } from "../api/provider";
import { useWords } from "../i18n/language";
import { useNow } from "../live/clock";
import { Button } from "../parts/Button";
import { Card, Empty } from "../parts/Card";
import { Audience } from "./Audience";
import { Funnel } from "./Funnel";
import { saying } from "./funnel";
import styles from "./Pushes.module.css";
import type { PushList } from "./usePushes";
import { Reasons } from "./Reasons";

const FEW = 6;

export function Pushes({ pushes, onOpen }: { pushes: PushList; onOpen: (id: string) => void }) {
  const { t } = useWords();
  const now = useNow(5_000);
  const [all, setAll] = useState(false);
  const shown = all ? pushes.list : pushes.list.slice(0, FEW);
  const more = pushes.list.length > FEW && !all;
  return (
    <Card title={t.pushes.title}>
      {pushes.list.length === 0 ? (
        <Empty title={pushes.waiting ? t.page.reading : pushes.problem !== undefined ? t.page.cantRead : t.pushes.none}>
          {pushes.problem === undefined ? t.pushes.noneMend : pushes.problem.detail}
        </Empty>
      ) : (
        <ol className={styles.list}>
          {shown.map((push) => (
            <Row key={push.push_id} push={push} now={now} onOpen={onOpen} />
          ))}
        </ol>
      )}
      {(more || pushes.older !== undefined) && pushes.list.length > 0 && (
        <p className={styles.more}>
          <Button
            look="quiet"
            size="small"
            onClick={() => {
              if (more) {
                setAll(true);
              } else {
                void pushes.older?.();
              }
            }}
          >
            {more ? t.page.more(pushes.list.length - FEW) : t.pushes.older}
          </Button>
        </p>
      )}
    </Card>
  );
}

function Row({ push, now, onOpen }: { push: Push; now: number; onOpen: (id: string) => void }) {
  const { t, ago } = useWords();
  const { title, body } = saying(push.payload);
  return (
    <li className={styles.push}>
      <button type="button" className={styles.head} onClick={() => onOpen(push.push_id)}>
        <strong>{title ?? body ?? t.arrivals.silent}</strong>
        <time dateTime={push.created_at}>{ago(Date.parse(push.created_at), now)}</time>
        <Audience push={push} />
      </button>
      <Funnel counts={push.counts} />
      <Reasons push={push} />
    </li>
  );
}
