// The app's front page: a few items, and a hint when notifications are off.

import type { NewsScreen } from "../../api/news";
import { useWords } from "../../i18n/language";
import { Icon } from "../../parts/Icon";
import styles from "./FrontPage.module.css";
import { Picture } from "./Picture";

interface Props {
  screen: NewsScreen;
  onOpen: (url: string) => void;
  onSettings: () => void;
}

export function FrontPage({ screen, onOpen, onSettings }: Props) {
  const { t } = useWords();
  return (
    <div className={styles.page}>
      {screen.permission === "denied" && (
        <button type="button" className={styles.hint} onClick={onSettings}>
          <Icon name="bellOff" size={18} />
          <span>
            <strong>{t.news.off}</strong>
            {t.news.offMend}
          </span>
          <Icon name="chevronRight" size={15} />
        </button>
      )}
      <ul>
        {t.news.items.map((item, at) => (
          <li key={item.url}>
            <button type="button" className={at === 0 ? styles.first : styles.item} onClick={() => onOpen(item.url)}>
              <Picture of={item.url} />
              <span className={styles.text}>
                <span className={styles.kicker}>{item.kicker}</span>
                <strong>{item.title}</strong>
                {at === 0 && <span className={styles.lead}>{item.lead}</span>}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
