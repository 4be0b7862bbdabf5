// A page that the app opened: its address is the truth, the article under it is drawn. The console loads nothing from
// elsewhere.

import type { Visit } from "../../api/news";
import { useWords } from "../../i18n/language";
import { Icon } from "../../parts/Icon";
import styles from "./Article.module.css";
import { Picture } from "./Picture";

interface Props {
  url: string;
  /** The tap on a notification that opened it. */
  visit: Visit | undefined;
  onBack: () => void;
}

export function Article({ url, visit, onBack }: Props) {
  const { t } = useWords();
  const item = t.news.items.find((one) => one.url === url);
  return (
    <article className={styles.page} aria-label={t.news.openedPage}>
      <header className={styles.head}>
        <button type="button" aria-label={t.news.back} title={t.news.back} onClick={onBack}>
          <Icon name="arrowLeft" size={20} />
        </button>
        <p className={styles.address} title={url}>
          {url}
        </p>
      </header>
      {visit !== undefined && (
        <p className={styles.visit}>
          <Icon name="bell" size={15} />
          <span>
            <strong>{t.news.openedBy(visit)}</strong>
            {visit.cold ? t.news.openedCold(visit.local) : t.news.openedWarm}
          </span>
        </p>
      )}
      <Picture of={url} />
      <div className={styles.text}>
        <p className={styles.kicker}>{item?.kicker ?? t.news.openedPage}</p>
        <h3>{item?.title ?? titleOf(url)}</h3>
        {item !== undefined && <p className={styles.lead}>{item.lead}</p>}
        <div className={styles.lines} aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
          <i />
          <i />
          <i />
        </div>
        <p className={styles.drawn}>{t.news.drawn}</p>
      </div>
    </article>
  );
}

/** The last part of an address, in words: a headline for a page nobody wrote. */
export function titleOf(url: string): string {
  const path = url.replace(/[?#].*$/, "").replace(/^[a-z][a-z0-9+.-]*:\/\//i, "");
  const last = path.split("/").findLast((part) => part !== "") ?? url;
  let text = last;
  try {
    text = decodeURIComponent(last);
  } catch {
    // A stray percent sign: shown as it is.
  }
  return text.replace(/\.(html?|php)$/i, "").replace(/[-_+]+/g, " ");
}
