// The permission reminder of the article's third chapter: who refused is told at a launch, led to Settings if they want, and
// left alone for a week if they don't.

import { expect, test } from "./stage";

test.beforeEach(async ({ stage }) => {
  await stage.openNews();
  await stage.prompt.getByRole("button", { name: "Don’t Allow" }).click();
  await expect(stage.prompt).toBeHidden();
  await stage.goHome();
});

test("the app reminds who refused, and leads to Settings", async ({ stage }) => {
  await stage.openNews();
  const reminder = stage.screen.getByRole("alertdialog", { name: "Notifications are off" });
  await reminder.getByRole("button", { name: "Open Settings" }).click();
  await stage.appIs("in background");
  await stage.screen.getByRole("switch", { name: "Allow Notifications" }).click();
  await expect(stage.screen.getByRole("switch", { name: "Banners" })).toBeChecked();
  await stage.on("News").click();
  await stage.appIs("in front");
  await expect(reminder).toBeHidden();
  await stage.on("This device").click();
  await expect(stage.screen.getByText("Allowed", { exact: true })).toBeVisible();
});

test("who doesn’t want to hear of it is left alone for a week", async ({ stage, page }) => {
  await stage.openNews();
  const reminder = stage.screen.getByRole("alertdialog", { name: "Notifications are off" });
  await expect(reminder).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(reminder).toBeHidden();
  await stage.on("This device").click();
  await expect(stage.screen.getByText("You were reminded 1 of at most 5 times.")).toBeVisible();

  await test.step("not at the next launch", async () => {
    await stage.press("Apps");
    await stage.on("Force-quit News").click();
    await stage.appIs("force-quit");
    await page.keyboard.press("Escape");
    await stage.openNews();
    await stage.on("This device").click();
    await expect(stage.screen.getByText("You were reminded 1 of at most 5 times.")).toBeVisible();
    await expect(reminder).toBeHidden();
  });

  await test.step("a week later once more", async () => {
    await stage.goHome();
    await stage.pass("+1 week");
    await stage.openNews();
    await reminder.getByRole("button", { name: "Not now" }).click();
    await expect(reminder).toBeHidden();
    await stage.on("This device").click();
    await expect(stage.screen.getByText("You were reminded 2 of at most 5 times.")).toBeVisible();
  });
});
