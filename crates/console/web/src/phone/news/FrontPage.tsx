// The app's front page: what silent pushes brought while nobody looked, then a few items.

import type { NewsScreen } from "../../api/news";
import { useWords } from "../../i18n/language";
import { Icon } from "../../parts/Icon";
import { titleOf } from "./Article";
import styles from "./FrontPage.module.css";
import { Picture } from "./Picture";

interface Props {
  screen: NewsScreen;
  onOpen: (url: string) => void;
}

export function FrontPage({ screen, onOpen }: Props) {
  const { t, time } = useWords();
  const fresh = new Set(screen.refreshed.map(({ url }) => url));
  return (
    <div className={styles.page}>
      {screen.refreshed.length > 0 && (
        <ul className={styles.fresh} aria-label={t.news.fresh}>
          {screen.refreshed.map(({ url, at, inBackground }) => (
            <li key={url}>
              <button type="button" className={styles.item} onClick={() => onOpen(url)}>
                <Picture of={url} />
                <span className={styles.text}>
                  <span className={styles.when}>
                    <Icon name="moon" size={12} />
                    {t.news.freshAt(time(at), inBackground)}
                  </span>
                  <strong>{t.news.items.find((item) => item.url === url)?.title ?? titleOf(url)}</strong>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <ul>
        {t.news.items
          .filter((item) => !fresh.has(item.url))
          .map((item, at) => (
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
