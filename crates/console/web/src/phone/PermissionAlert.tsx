// The system's question whether an app may send notifications. When it comes, and that it comes only once, is decided by
// the device.

import type { PromptView } from "../api/device";
import { useWords } from "../i18n/language";
import { Alert } from "./Alert";

export function PermissionAlert({ prompt, onAnswer }: { prompt: PromptView; onAnswer: (allow: boolean) => void }) {
  const { t } = useWords();
  return (
    <Alert
      title={t.phone.permissionTitle(prompt.app_name)}
      text={t.phone.permissionText}
      answers={[
        { label: t.phone.dontAllow, onPress: () => onAnswer(false) },
        { label: t.phone.allow, onPress: () => onAnswer(true) },
      ]}
    />
  );
}
