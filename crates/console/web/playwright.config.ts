// How the page is walked in a browser: Debian's Chromium, against a Homing that each walk starts for itself.

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  forbidOnly: process.env["CI"] !== undefined,
  fullyParallel: true,
  workers: 2,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    actionTimeout: 20_000,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      // Chromium's sandbox doesn't run as root; the page is our own and loads nothing from elsewhere.
      args: ["--no-sandbox"],
    },
  },
  projects: [
    { name: "walk", testMatch: /.*\.spec\.ts/ },
    { name: "images", testMatch: /images\.ts/ },
  ],
});
