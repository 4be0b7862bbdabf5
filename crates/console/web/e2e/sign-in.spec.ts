// Coming in: by a link that works once, and by nothing else.

import { expect, test } from "./stage";

test("a link signs in once and leaves nothing in the address", async ({ page, homing, browser }) => {
  await page.goto(homing.link);
  await expect(page.getByRole("region", { name: "Send a push" })).toBeVisible();
  expect(new URL(page.url()).pathname + new URL(page.url()).hash).toBe("/");
  const other = await browser.newContext();
  const stranger = await other.newPage();
  await stranger.goto(homing.link);
  await expect(stranger.getByRole("heading", { name: "This link was used already, or is too old" })).toBeVisible();
  await expect(stranger.getByText("homing console")).toBeVisible();
  await stranger.goto(await homing.freshLink());
  await expect(stranger.getByRole("region", { name: "Send a push" })).toBeVisible();
  await other.close();
});

test.describe("without a session", () => {
  // The page asks who it is and is told that it is nobody; the end of the session ends the streams of other windows.
  test.use({ expected: /status of 401|ERR_INCOMPLETE_CHUNKED_ENCODING/ });

  test("the page says how to get in, and nothing else", async ({ page, homing }) => {
    await page.goto(new URL(homing.link).origin);
    await expect(page.getByRole("heading", { name: "Open a link to sign in" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Send" })).toHaveCount(0);
  });

  test("who signs out is out, in every window", async ({ stage, page }) => {
    const second = await page.context().newPage();
    await second.goto(new URL(page.url()).origin);
    await expect(second.getByRole("region", { name: "Send a push" })).toBeVisible();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Open a link to sign in" })).toBeVisible();
    await second.bringToFront();
    await expect(second.getByRole("heading", { name: "Open a link to sign in" })).toBeVisible();
    await expect(stage.screen).toBeHidden();
  });
});
