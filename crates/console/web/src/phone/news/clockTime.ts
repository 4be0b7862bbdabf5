// What stands in the fields of a reminder, read: pure, so that it can be tested.

import type { When } from "../../api/news";

/** A day is the longest countdown that the form takes. */
const LONGEST = 86_400;

/** The seconds of a countdown; `undefined` if the text isn't a whole number from 1 to a day's. */
export function countdown(text: string): When | undefined {
  const seconds = /^\d{1,5}$/.test(text.trim()) ? Number(text.trim()) : 0;
  return seconds >= 1 && seconds <= LONGEST ? { seconds } : undefined;
}

/** The time of each day, as an input of type time has it: `08:30`. */
export function daily(text: string): When | undefined {
  const [, hour = "", minute = ""] = /^([01]\d|2[0-3]):([0-5]\d)/.exec(text) ?? [];
  return hour === "" ? undefined : { hour: Number(hour), minute: Number(minute) };
}

/** The identifier of an article's reminder: the last part of its address. */
export const identifierOf = (url: string): string => url.split("/").findLast((part) => part !== "") ?? url;
