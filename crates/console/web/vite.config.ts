// How the page is built. The console's binary embeds `dist` and serves it under a Content-Security-Policy without inline
// script or style, so nothing is inlined. In development the page comes from here, and the rest from a running console:
// HOMING_CONSOLE names its address.

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const console_address = process.env["HOMING_CONSOLE"] ?? "http://localhost:8480";
/** The console only listens to its own origin, so requests are passed on as if they came from its own page. */
const to_console = { target: console_address, changeOrigin: true, headers: { origin: console_address } };

export default defineConfig({
  plugins: [react()],
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2022" },
  server: { proxy: { "/api": to_console, "/session": to_console } },
  test: { include: ["src/**/*.test.ts"] },
});
