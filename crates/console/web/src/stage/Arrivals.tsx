// What came to this iPhone, shown or not, and what it decided. One click leads to the reason and the whole way.

import { useState } from "react";
import type { Arrival } from "../api/device";
import { useWords } from "../i18n/language";
import { useNow } from "../live/clock";
import { Button } from "../parts/Button";
import { Card, Empty } from "../parts/Card";
import type { Phone } from "../phone/usePhone";
import { Decision } from "../trace/Decision";
import styles from "./Arrivals.module.css";

const FEW = 8;

interface Props {
  phone: Phone;
  onOpen: (apnsId: string) => void;
}

export function Arrivals({ phone, onOpen }: Props) {
  const { t } = useWords();
  const now = useNow(5_000);
  const [all, setAll] = useState(false);
  const arrivals = phone.value?.arrivals ?? [];
  const shown = all ? arrivals : arrivals.slice(0, FEW);
  return (
    <Card title={t.arrivals.title}>
      {arrivals.length === 0 ? (
        <Empty title={t.arrivals.none}>{t.arrivals.noneMend}</Empty>
      ) : (
        <ol className={styles.list}>
          {shown.map((arrival) => (
            <Row key={`${arrival.app} ${arrival.seq}`} arrival={arrival} now={now} onOpen={onOpen} />
          ))}
        </ol>
      )}
      {arrivals.length > FEW && (
        <p className={styles.more}>
          <Button look="quiet" size="small" onClick={() => setAll(!all)}>
            {all ? t.page.fewer : t.page.more(arrivals.length - FEW)}
          </Button>
        </p>
      )}
    </Card>
  );
}

function Row({ arrival, now, onOpen }: { arrival: Arrival; now: number; onOpen: Props["onOpen"] }) {
  const { t, ago } = useWords();
  const response = arrival.responses.at(-1);
  const silent = arrival.title === "" && arrival.body === "";
  return (
    <li>
      <button type="button" className={styles.row} onClick={() => onOpen(arrival.apns_id)}>
        <span className={styles.head}>
          <strong>{silent ? t.arrivals.silent : arrival.title || arrival.body}</strong>
          <time dateTime={arrival.at}>{ago(Date.parse(arrival.at), now)}</time>
        </span>
        {arrival.title !== "" && arrival.body !== "" && <span className={styles.body}>{arrival.body}</span>}
        <span className={styles.chips}>
          <Decision decision={arrival.decision} />
          {response !== undefined && <span className={styles.response}>{t.stages[response.stage].short}</span>}
        </span>
      </button>
    </li>
  );
}
