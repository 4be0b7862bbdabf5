// The bar at the top: whose page this is, whether it is live, and how it looks and speaks.

import { useWords } from "../i18n/language";
import { useLive } from "../live/streams";
import { Bird } from "../parts/Bird";
import { Button, IconButton } from "../parts/Button";
import type { IconName } from "../parts/Icon";
import { type Theme, THEMES } from "../parts/theme";
import styles from "./TopBar.module.css";

interface Props {
  version: string;
  theme: Theme;
  onTheme: (theme: Theme) => void;
  onSignOut: () => void;
}

const ICONS: Record<Theme, IconName> = { system: "system", light: "sun", dark: "moon" };

export function TopBar({ version, theme, onTheme, onSignOut }: Props) {
  const { t, language, speak } = useWords();
  const live = useLive();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <header className={styles.bar}>
      <Bird size={28} />
      <h1 title={version}>Homing</h1>
      <p className={styles.motto}>{t.page.motto}</p>
      <p className={styles.live} role="status" data-live={live || undefined}>
        <i />
        <span>{live ? t.page.live : t.page.notLive}</span>
      </p>
      <Button
        look="quiet"
        size="small"
        icon="language"
        lang={language === "en" ? "zh-Hans" : "en"}
        onClick={() => speak(language === "en" ? "zh" : "en")}
      >
        {t.page.otherLanguage}
      </Button>
      <IconButton icon={ICONS[theme]} label={t.page.theme[theme]} onClick={() => onTheme(next)} />
      <IconButton icon="signOut" label={t.session.end} onClick={onSignOut} />
    </header>
  );
}
