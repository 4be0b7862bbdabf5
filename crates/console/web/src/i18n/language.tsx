// Which language the page speaks, and how it writes times and numbers. The words are in `en` and `zh`.

import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { useKept } from "../live/kept";
import { type Dictionary, en } from "./en";
import { type Format, format } from "./format";
import { zh } from "./zh";

export type Language = "en" | "zh";

const DICTIONARIES: Record<Language, Dictionary> = { en, zh };
const TAGS: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };

interface Words extends Format {
  t: Dictionary;
  language: Language;
  speak: (language: Language) => void;
}

const Context = createContext<Words | undefined>(undefined);

/** The first language of `wanted` that the page speaks; English without one. */
export function chosen(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "en" || language === "zh") {
      return language;
    }
  }
  return "en";
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [kept, keep] = useKept("language");
  const language = chosen([...(kept === null ? [] : [kept]), ...navigator.languages]);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
    document.title = DICTIONARIES[language].page.title;
  }, [language]);
  const words = useMemo(
    () => ({ t: DICTIONARIES[language], language, speak: keep, ...format(TAGS[language]) }),
    [language, keep],
  );
  return <Context value={words}>{children}</Context>;
}

export function useWords(): Words {
  const words = useContext(Context);
  if (words === undefined) {
    throw new Error("LanguageProvider is missing above this component");
  }
  return words;
}
