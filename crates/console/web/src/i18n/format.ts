// How times, durations and numbers are written in a language. What is written where is decided by the components.

export interface Format {
  /** Hours and minutes: 14:05. */
  time: (ms: number) => string;
  /** Hours, minutes and seconds: 14:05:09. */
  seconds: (ms: number) => string;
  /** As on a lock screen: Saturday 22 November. */
  day: (ms: number) => string;
  /** A day near now and its time: Sat 22 Nov, 14:05. */
  dayAndTime: (ms: number) => string;
  /** Date and time to the millisecond. */
  moment: (ms: number) => string;
  /** How long before `now`: 3 min ago. */
  ago: (ms: number, now: number) => string;
  /** A duration: 12 ms, 1.4 s, 3 min. */
  lasting: (ms: number) => string;
  number: (n: number) => string;
  list: (words: string[]) => string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function format(tag: string): Format {
  const time = new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const seconds = new Intl.DateTimeFormat(tag, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const day = new Intl.DateTimeFormat(tag, { weekday: "long", day: "numeric", month: "long" });
  const dayAndTime = new Intl.DateTimeFormat(tag, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const moment = new Intl.DateTimeFormat(tag, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  });
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto", style: "short" });
  const number = new Intl.NumberFormat(tag);
  const list = new Intl.ListFormat(tag, { type: "conjunction" });
  return {
    time: (ms) => time.format(ms),
    seconds: (ms) => seconds.format(ms),
    day: (ms) => day.format(ms),
    dayAndTime: (ms) => dayAndTime.format(ms),
    moment: (ms) => moment.format(ms),
    ago: (ms, now) => {
      // A clock that is a little behind must not speak of the future.
      const past = Math.max(0, now - ms);
      if (past < MINUTE) {
        return past < 5 * SECOND ? relative.format(0, "second") : relative.format(-Math.floor(past / SECOND), "second");
      }
      if (past < HOUR) {
        return relative.format(-Math.floor(past / MINUTE), "minute");
      }
      return past < DAY
        ? relative.format(-Math.floor(past / HOUR), "hour")
        : relative.format(-Math.floor(past / DAY), "day");
    },
    lasting: (ms) => lasting(tag, ms),
    number: (n) => number.format(n),
    list: (words) => list.format(words),
  };
}

function lasting(tag: string, ms: number): string {
  const [amount, unit, digits] =
    ms < SECOND
      ? [ms, "millisecond", 0]
      : ms < MINUTE
        ? [ms / SECOND, "second", ms < 10 * SECOND ? 1 : 0]
        : ms < HOUR
          ? [ms / MINUTE, "minute", 0]
          : ms < DAY
            ? [ms / HOUR, "hour", 1]
            : [ms / DAY, "day", 1];
  const style = { style: "unit", unit: unit as string, unitDisplay: "short", maximumFractionDigits: digits as number };
  return new Intl.NumberFormat(tag, style as Intl.NumberFormatOptions).format(amount as number);
}

/** The form of `n` things: `one` or `other`, as English counts. */
export function counted(n: number, one: string, other: string): string {
  return `${n} ${n === 1 ? one : other}`;
}
