// The fields of the send form: to whom, what it says, and what few need.

import type { Policy } from "../api/provider";
import { useWords } from "../i18n/language";
import { Field } from "../parts/Field";
import { Segments } from "../parts/Segments";
import type { Draft } from "./draft";
import styles from "./Fields.module.css";

interface Props {
  draft: Draft;
  onChange: (change: Partial<Draft>) => void;
}

interface RecipientProps extends Props {
  known: string[];
  /** The token of the iPhone in front. */
  token: string | undefined;
}

export function Recipient({ draft, onChange, known, token }: RecipientProps) {
  const { t } = useWords();
  return (
    <div className={styles.recipient}>
      <Segments
        label={t.send.to}
        value={draft.to}
        onChange={(to) => onChange({ to })}
        options={[
          { value: "user", label: t.send.user },
          { value: "token", label: t.send.token },
        ]}
      />
      {draft.to === "user" ? (
        <>
          <input
            aria-label={t.send.user}
            list="known-users"
            value={draft.user}
            maxLength={256}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => onChange({ user: event.target.value })}
          />
          <datalist id="known-users">
            {known.map((user) => (
              <option key={user} value={user}>
                {user}
              </option>
            ))}
          </datalist>
        </>
      ) : (
        <input
          aria-label={t.send.token}
          className={styles.mono}
          value={draft.token}
          placeholder={token ?? ""}
          title={t.send.tokenHint}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange({ token: event.target.value })}
        />
      )}
    </div>
  );
}

export function ContentFields({ draft, onChange }: Props) {
  const { t } = useWords();
  return (
    <>
      <Field label={t.send.fieldTitle}>
        {(id) => (
          <input id={id} value={draft.title} onChange={(event) => onChange({ title: event.target.value })} />
        )}
      </Field>
      <Field label={t.send.body}>
        {(id) => (
          <textarea id={id} rows={2} value={draft.body} onChange={(event) => onChange({ body: event.target.value })} />
        )}
      </Field>
      <div className={styles.pair}>
        <Field label={t.send.badge}>
          {(id) => (
            <input
              id={id}
              inputMode="numeric"
              value={draft.badge}
              onChange={(event) => onChange({ badge: event.target.value })}
            />
          )}
        </Field>
        <Field label={t.send.sound}>
          {(id) => (
            <select id={id} value={draft.sound} onChange={(event) => onChange({ sound: event.target.value })}>
              <option value="">{t.send.noSound}</option>
              <option value="default">default</option>
              <option value="breaking.caf">breaking.caf</option>
            </select>
          )}
        </Field>
      </div>
      <Field label={t.send.url}>
        {(id) => (
          <input
            id={id}
            inputMode="url"
            value={draft.url}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => onChange({ url: event.target.value })}
          />
        )}
      </Field>
    </>
  );
}

interface MoreProps extends Props {
  /** What holds without a choice. */
  policy: Policy | undefined;
}

export function MoreFields({ draft, onChange, policy }: MoreProps) {
  const { t } = useWords();
  const choices: [keyof Draft & ("policy" | "expiration" | "priority" | "level"), string, Record<string, string>][] = [
    ["policy", t.send.policy, { "": t.send.policyOfApp(policy), ...t.policies }],
    ["expiration", t.send.expiration, t.send.expirations],
    ["priority", t.send.priority, t.send.priorities],
    ["level", t.send.level, t.send.levels],
  ];
  return (
    <div role="group" aria-label={t.send.more}>
      <div className={styles.grid}>
        {choices.map(([key, label, options]) => (
          <Field key={key} label={label}>
            {(id) => (
              <select
                id={id}
                value={draft[key]}
                onChange={(event) => onChange({ [key]: event.target.value } as Partial<Draft>)}
              >
                {Object.entries(options).map(([value, text]) => (
                  <option key={value} value={value}>
                    {text}
                  </option>
                ))}
              </select>
            )}
          </Field>
        ))}
        <Field label={t.send.subtitle}>
          {(id) => (
            <input id={id} value={draft.subtitle} onChange={(event) => onChange({ subtitle: event.target.value })} />
          )}
        </Field>
        <Field label={t.send.collapse}>
          {(id) => (
            <input
              id={id}
              value={draft.collapse}
              maxLength={64}
              spellCheck={false}
              onChange={(event) => onChange({ collapse: event.target.value })}
            />
          )}
        </Field>
      </div>
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={draft.silent}
          onChange={(event) => onChange({ silent: event.target.checked })}
        />
        {t.send.silent}
      </label>
    </div>
  );
}
