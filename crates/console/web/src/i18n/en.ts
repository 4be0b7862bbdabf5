// The page's words in English. Their shape is the dictionary's; every language has the same.

import { phone } from "./en/phone";
import { page } from "./en/page";
import { reasons } from "./en/reasons";
import { sender } from "./en/sender";
import { trace } from "./en/trace";

export const en = { ...page, ...phone, ...sender, ...trace, reasons };

export type Dictionary = typeof en;
