// The page's words in Chinese.

import type { Dictionary } from "./en";
import { phone } from "./zh/phone";
import { page } from "./zh/page";
import { reasons } from "./zh/reasons";
import { sender } from "./zh/sender";
import { trace } from "./zh/trace";

export const zh: Dictionary = { ...page, ...phone, ...sender, ...trace, reasons };
