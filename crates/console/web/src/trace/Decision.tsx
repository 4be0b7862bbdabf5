// What a device decided about one notification, in a word or two.

import type { Arrival } from "../api/device";
import { useWords } from "../i18n/language";
import { Chip } from "../parts/Chip";
import { Icon } from "../parts/Icon";

export function Decision({ decision }: { decision: Arrival["decision"] }) {
  const { t } = useWords();
  if (decision === null) {
    return <Chip>{t.arrivals.open}</Chip>;
  }
  if (decision.stage === "displayed") {
    return (
      <Chip tone="good">
        <Icon name="check" size={13} />
        {t.stages.displayed.short}
      </Chip>
    );
  }
  const reason = decision.reason ?? "";
  return (
    <Chip tone="warn">
      <Icon name="bellOff" size={13} />
      {t.arrivals.notShown(t.reasons[reason]?.short ?? reason)}
    </Chip>
  );
}
