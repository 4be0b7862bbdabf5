// English: a notification's life, step by step.

import type { Surface } from "../../api/device";
import type { PushNotification } from "../../api/provider";
import type { Speaker, StageWord } from "../../trace/steps";

interface StageWords {
  /** In a list. */
  short: string;
  /** In a timeline. */
  name: string;
  means: string;
}

const STAGES: Record<StageWord, StageWords> = {
  planned: { short: "planned", name: "Planned", means: "Safe on disk with the provider; nothing is lost from here on." },
  handed: { short: "sent", name: "Sent", means: "Handed to a connection to the push service." },
  accepted: {
    short: "accepted",
    name: "Accepted",
    means: "The push service answered 200. It delivers, or says why not.",
  },
  refused: { short: "refused", name: "Refused", means: "The push service took nothing." },
  withdrawn: { short: "withdrawn", name: "Withdrawn", means: "Not sent: the iPhone isn’t that user’s any more." },
  failed: { short: "given up", name: "Given up", means: "The provider couldn’t get an answer in time." },
  stored: { short: "stored", name: "Stored", means: "Safe on disk with the push service, to be delivered." },
  replaced: {
    short: "replaced",
    name: "Replaced",
    means: "A newer one took its place: for an iPhone that is away, only the newest is kept.",
  },
  expired: { short: "expired", name: "Expired", means: "Its time ran out before the iPhone came back." },
  discarded: { short: "discarded", name: "Discarded", means: "The push service let it go." },
  sent: { short: "on its way", name: "On its way", means: "Handed to the iPhone’s connection." },
  acknowledged: { short: "delivered", name: "Delivered", means: "The iPhone has it safe." },
  displayed: { short: "displayed", name: "Displayed", means: "The iPhone showed it." },
  suppressed: { short: "not shown", name: "Not shown", means: "The iPhone decided to show nothing." },
  opened: { short: "opened", name: "Opened", means: "The user tapped it, and the app opened." },
  action: { short: "action", name: "Action", means: "The user chose one of its actions." },
  dismissed: { short: "cleared", name: "Cleared", means: "The user cleared it without opening it." },
  injected: { short: "a test’s", name: "A test’s doing", means: "A tester asked the push service for it." },
};

export const trace = {
  arrivals: {
    title: "What the iPhone decided",
    none: "Nothing came yet",
    noneMend: "Everything that comes to this iPhone is listed here, shown or not, with the reason.",
    open: "being decided",
    silent: "Silent push",
    notShown: (reason: string) => `Not shown: ${reason}`,
  },
  stages: {
    ...STAGES,
    /** The short form of a stage's word; `undefined` for another word. */
    of: (word: string): string | undefined => (STAGES as Record<string, StageWords>)[word]?.short,
  },
  speakers: { provider: "provider", "push-service": "push service", device: "iPhone" } satisfies Record<Speaker, string>,
  surfaces: {
    banner: "Banner",
    "persistent-banner": "Persistent banner",
    "lock-screen": "Lock screen",
    "notification-center": "Notification Centre",
    sound: "Sound",
    badge: "Badge",
  } satisfies Record<Surface, string>,
  states: {
    planned: "planned",
    sending: "being sent",
    accepted: "accepted",
    refused: "refused",
    failed: "given up",
    withdrawn: "withdrawn",
    delivered: "delivered",
    displayed: "displayed",
    suppressed: "not shown",
    opened: "opened",
  } satisfies Record<PushNotification["state"] | "delivered" | "displayed" | "suppressed" | "opened", string>,
  story: {
    push: "Push",
    notification: "Notification",
    untitled: "A notification",
    notifications: "Its notifications",
    noNotifications: "It became none.",
    truncated: "Only the first hundred are listed here.",
    way: "The whole way",
    noTrace: "Nobody knows anything of it yet.",
    decision: "What the iPhone decided",
    surfaces: "Where it was shown",
    displayedWhy: "The user allowed it, and nothing stood in its way.",
    openYet: "The app in front is being asked whether to show it.",
    whenItCame: (state: string) => `when it came, the app was ${state}`,
    copyId: "Copy the apns-id",
    toPush: "The push it belongs to",
  },
};
