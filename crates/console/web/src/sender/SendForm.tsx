// The form that sends a push, in the provider's words. Beside the fields stands the payload they become; who edits it
// sends what stands there.

import { type FormEvent, useEffect, useRef, useState } from "react";
import { provider } from "../api/provider";
import type { About } from "../api/session";
import { useWords } from "../i18n/language";
import { useClock } from "../live/clock";
import { useAct } from "../live/notices";
import { useReading } from "../live/useReading";
import { Button } from "../parts/Button";
import { Card } from "../parts/Card";
import { Chip } from "../parts/Chip";
import { Segments } from "../parts/Segments";
import type { Listed } from "../phone/usePhone";
import { type Draft, emptyDraft, lack, request } from "./draft";
import { ContentFields, MoreFields, Recipient } from "./Fields";
import { Payload } from "./Payload";
import styles from "./SendForm.module.css";

interface Props {
  about: About;
  chosen: Listed | undefined;
  onSent: () => Promise<void>;
}

export function SendForm({ about, chosen, onSent }: Props) {
  const { t } = useWords();
  const act = useAct();
  const { skew } = useClock();
  const bundle = about.demo.bundle_id;
  /** What the user changed; the rest is an example in the page's language. */
  const [changes, setChanges] = useState<Partial<Draft>>({});
  const [part, setPart] = useState<"fields" | "payload">("fields");
  const [more, setMore] = useState(false);
  const [sent, setSent] = useState<string>();
  const [sending, setSending] = useState(false);
  const key = useRef<string>(undefined);
  const draft: Draft = { ...emptyDraft(about.demo.user), ...t.send.example, ...changes };
  const environment = chosen?.app?.environment ?? "development";
  const where = { environment, token: chosen?.app?.device_token };
  const missing = lack(draft, where);
  const app = useReading(bundle, () => provider.app(bundle));
  const change = (next: Partial<Draft>) => {
    setChanges((before) => ({ ...before, ...next }));
    setSent(undefined);
    key.current = undefined;
  };
  const known = useKnownUsers(about);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (missing !== undefined || sending) {
      return;
    }
    setSending(true);
    setSent(undefined);
    // The key stays until there is an answer: a second try after a silence doesn't send twice.
    key.current ??= crypto.randomUUID();
    const mine = key.current;
    const planned = await act(async () => {
      try {
        return await provider.send(bundle, request(draft, where, Date.now() + skew), mine);
      } catch (error) {
        if (!(error instanceof Error && "status" in error && error.status === 0)) {
          key.current = undefined;
        }
        throw error;
      }
    });
    setSending(false);
    if (planned !== undefined) {
      key.current = undefined;
      setSent(planned.planned === 0 ? t.send.plannedNone : t.send.planned(planned.planned));
      await onSent();
    }
  };
  return (
    <Card
      title={t.send.title}
      aside={
        <span className={styles.to}>
          <Chip>{bundle}</Chip>
          <Chip tone="accent">{t.environments[environment]}</Chip>
        </span>
      }
    >
      <form className={styles.form} onSubmit={(event) => void send(event)} id="send" tabIndex={-1}>
        <Recipient draft={draft} onChange={change} known={known} token={where.token} />
        <div className={styles.parts}>
          <Segments
            size="small"
            label={t.send.part}
            value={part}
            onChange={setPart}
            options={[
              { value: "fields", label: t.send.fields },
              { value: "payload", label: t.send.payload },
            ]}
          />
        </div>
        <div className={styles.both} data-part={part}>
          <fieldset className={styles.fields} disabled={draft.raw !== null}>
            <legend className="visually-hidden">{t.send.fields}</legend>
            <ContentFields draft={draft} onChange={change} />
          </fieldset>
          <div className={styles.payload}>
            <Payload draft={draft} onEdit={(raw) => change({ raw })} />
          </div>
          <div className={styles.do}>
            <Button
              type="submit"
              look="primary"
              icon="send"
              unless={missing === undefined ? undefined : t.send.lacks[missing]}
            >
              {t.send.do}
            </Button>
            <p role="status" data-lacks={missing !== undefined || undefined}>
              {sending ? t.send.sending : missing === undefined ? sent : t.send.lacks[missing]}
            </p>
            <Button
              look="quiet"
              size="small"
              icon={more ? "chevronDown" : "chevronRight"}
              aria-expanded={more}
              onClick={() => setMore(!more)}
            >
              {t.send.more}
            </Button>
          </div>
        </div>
        {more && <MoreFields draft={draft} onChange={change} policy={app.value?.policy} />}
      </form>
    </Card>
  );
}

/** The accounts of the demo, and whoever else is logged in. */
function useKnownUsers(about: About): string[] {
  const reading = useReading(about.demo.bundle_id, () => provider.users(about.demo.bundle_id, 100));
  const { again } = reading;
  useEffect(() => {
    const onFocus = () => void again();
    window.addEventListener("focus", onFocus);
    return () => window.removeEventListener("focus", onFocus);
  }, [again]);
  const others = reading.value?.map(({ user }) => user) ?? [];
  return [...new Set([...about.demo.accounts, ...others])];
}

