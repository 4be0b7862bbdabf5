// Sentences that the provider says in English (findings of a payload check, why a push reaches nobody), in the page's
// language. The Chinese ones are a table of templates, `{}` standing for what varies and `{1}` for the first of it. A
// sentence that isn't in the table is shown as it came.

import type { Language } from "./language";
import { SAID, WORDS } from "./zh/said";

interface Template {
  pattern: RegExp;
  chinese: string;
}

const TEMPLATES: Template[] = Object.entries(SAID).map(([english, chinese]) => ({
  pattern: new RegExp(`^${english.split("{}").map(escaped).join("(.+?)")}$`, "s"),
  chinese,
}));

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

export function said(language: Language, sentence: string): string {
  return language === "zh" ? inChinese(sentence) : sentence;
}

function inChinese(sentence: string): string {
  for (const { pattern, chinese } of TEMPLATES) {
    const match = pattern.exec(sentence);
    if (match !== null) {
      return chinese.replaceAll(/\{(\d)\}/g, (_, at: string) => word(match[Number(at)] ?? ""));
    }
  }
  return sentence;
}

/** What varies is mostly a name, which stays; some is a kind of value, which doesn't. */
const word = (text: string): string => WORDS[text] ?? text.replace(/^the number (?=-?\d)/, "数字 ");
