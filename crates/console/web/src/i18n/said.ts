// Sentences that the provider says in English (findings of a payload check, why a push reaches nobody), in the page's
// language. The Chinese ones are a table of templates, `{}` standing for what varies and `{1}` for the first of it. A
// sentence that isn't in the table is shown as it came.

import type { Language } from "./language";
import { reasons } from "./zh/reasons";
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

/** What varies is mostly a name, which stays; some is a kind of value, a reason, or a list of phrases, which doesn't. */
function word(text: string): string {
  const known = WORDS[text] ?? reasons[text]?.short;
  if (known !== undefined) {
    return known;
  }
  const phrases = text.split(", ");
  const chinese = phrases.map((phrase) => inChinese(phrase));
  return chinese.every((phrase, at) => phrase === phrases[at]) ? text : chinese.join("，");
}
