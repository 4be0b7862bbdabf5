// What couldn't be done, one notice each: what, why, and how to mend it. They stay until they are closed.

import { useNotices } from "../live/notices";
import { useWords } from "../i18n/language";
import { IconButton } from "./Button";
import { Icon } from "./Icon";
import styles from "./Notices.module.css";

export function Notices() {
  const { list, close } = useNotices();
  const { t } = useWords();
  return (
    <div className={styles.list} role="region" aria-label={t.page.notices}>
      {list.map(({ id, problem }) => (
        <div key={id} role="alert" className={styles.notice}>
          <Icon name="error" />
          <div>
            <strong>{problem.status === 0 ? t.page.noAnswer : problem.message}</strong>
            <p>{problem.status === 0 ? t.page.noAnswerMend : problem.detail}</p>
          </div>
          <IconButton label={t.page.close} icon="close" onClick={() => close(id)} />
        </div>
      ))}
    </div>
  );
}
