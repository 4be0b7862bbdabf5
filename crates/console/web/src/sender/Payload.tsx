// The payload as it will be sent, and what is wrong with it as one types: where, what, and how to mend it. The rules are
// the provider's.

import { useDeferredValue, useEffect, useState } from "react";
import type { Finding } from "../api/problem";
import { type Checked, provider } from "../api/provider";
import { useWords } from "../i18n/language";
import { said } from "../i18n/said";
import { Button } from "../parts/Button";
import { Icon, type IconName } from "../parts/Icon";
import { type Draft, payloadText } from "./draft";
import styles from "./Payload.module.css";

/** How long typing must pause before the text is checked, in milliseconds. */
const PAUSE_MS = 250;

interface Props {
  draft: Draft;
  /** `null`: back to the fields. */
  onEdit: (raw: string | null) => void;
}

export function Payload({ draft, onEdit }: Props) {
  const { t, number } = useWords();
  const text = payloadText(draft);
  const checked = useCheck(text, draft.silent && draft.raw === null ? "background" : undefined);
  const edited = draft.raw !== null;
  return (
    <div className={styles.payload}>
      <div className={styles.head}>
        <label htmlFor="payload">{t.send.payload}</label>
        {edited ? (
          <Button look="quiet" size="small" icon="arrowLeft" onClick={() => onEdit(null)}>
            {t.send.backToFields}
          </Button>
        ) : (
          checked !== undefined && (
            <span className={styles.size} data-over={checked.bytes > checked.limit || undefined}>
              {t.send.bytes(number(checked.bytes), number(checked.limit))}
            </span>
          )
        )}
      </div>
      <textarea
        id="payload"
        className={styles.text}
        data-edited={edited || undefined}
        value={text}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        aria-describedby="findings"
        onChange={(event) => onEdit(event.target.value)}
      />
      <Findings findings={checked?.findings} />
    </div>
  );
}

/** What the provider says of the text, a moment after the last key. */
function useCheck(text: string, pushType: string | undefined): Checked | undefined {
  const settled = useDeferredValue(text);
  const [checked, setChecked] = useState<Checked>();
  useEffect(() => {
    let stale = false;
    const timer = window.setTimeout(() => {
      provider.check(settled, pushType).then(
        (answer) => stale || setChecked(answer),
        // Sending says what is wrong; a check that can't be had doesn't interrupt who types.
        () => stale || setChecked(undefined),
      );
    }, PAUSE_MS);
    return () => {
      stale = true;
      window.clearTimeout(timer);
    };
  }, [settled, pushType]);
  return checked;
}

const ICONS: Record<Finding["severity"], IconName> = { error: "error", warning: "warning", note: "info" };

function Findings({ findings }: { findings: Finding[] | undefined }) {
  const { t, language } = useWords();
  return (
    <div id="findings" role="status" aria-label={t.send.findings}>
      {findings?.length === 0 && (
        <p className={styles.fine}>
          <Icon name="check" size={15} />
          {t.send.fine}
        </p>
      )}
      {findings !== undefined && findings.length > 0 && (
        <ul className={styles.findings}>
          {findings.map((finding) => (
            <li key={finding.path + finding.reason} data-severity={finding.severity}>
              <Icon name={ICONS[finding.severity]} size={16} />
              <div>
                <code>{finding.path}</code>
                <p>{said(language, finding.reason)}</p>
                <p className={styles.fix}>{said(language, finding.fix)}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
