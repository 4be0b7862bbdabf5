// Copies a text, and says that it did.

import { useEffect, useState } from "react";
import { useWords } from "../i18n/language";
import { IconButton } from "./Button";

export function CopyButton({ text, label }: { text: string; label: string }) {
  const { t } = useWords();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return undefined;
    }
    const timer = window.setTimeout(() => setCopied(false), 1_600);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    // Without permission, or on an origin that isn't secure, nothing is copied, and the mark doesn't say so.
    const clipboard: Clipboard | undefined = navigator.clipboard;
    clipboard?.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <>
      <IconButton label={label} icon={copied ? "check" : "copy"} onClick={copy} />
      <span role="status" className="visually-hidden">
        {copied ? t.page.copied : ""}
      </span>
    </>
  );
}
