// Light or dark: as the system has it, unless the user turned the switch.

import { useEffect } from "react";
import { useKept } from "../live/kept";

export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [kept, keep] = useKept("theme");
  const theme: Theme = kept === "light" || kept === "dark" ? kept : "system";
  useEffect(() => {
    if (theme === "system") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = theme;
    }
  }, [theme]);
  return [theme, (next) => keep(next === "system" ? null : next)];
}
