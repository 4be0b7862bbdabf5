// Where the user of an iPhone looks. An app that comes to the front, by a tap on its icon or on a notification, draws the
// look to itself.

import { useState } from "react";
import type { Look } from "./screen";

interface Gaze {
  look: Look;
  /** The list of notifications is pulled down. */
  list: boolean;
  /** The app that was left for the settings, to go back to. */
  leftApp: string | undefined;
}

export interface GazeHandle extends Gaze {
  turn: (to: Partial<Gaze>) => void;
}

const AT_HOME: Gaze = { look: "home", list: false, leftApp: undefined };

/** `phone` is the iPhone's name, `inFront` the app in front on it. Each iPhone is looked at anew. */
export function useGaze(phone: string | undefined, inFront: string | undefined): GazeHandle {
  const [turned, setTurned] = useState({ gaze: AT_HOME, phone, inFront });
  const drawn = inFront !== undefined && turned.inFront !== inFront;
  const gaze = drawn || turned.phone !== phone ? AT_HOME : turned.gaze;
  return { ...gaze, turn: (to) => setTurned({ gaze: { ...gaze, ...to }, phone, inFront }) };
}
