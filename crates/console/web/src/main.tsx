// Puts the page into the document.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { LanguageProvider } from "./i18n/language";
import "./look/tokens.css";
import "./look/base.css";
import { arrive } from "./session/arrive";

const arrived = arrive();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <LanguageProvider>
        <App arrived={arrived} />
      </LanguageProvider>
    </StrictMode>,
  );
}
