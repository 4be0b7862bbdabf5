// Local notifications, as the demo app has them: reminders that the iPhone keeps, without network and without the app.

import { expect, test } from "./stage";

const LIGHTHOUSE = "The old lighthouse shines again";

test("a reminder comes when its seconds are over, though offline, and its tap starts the app on its page", async ({ stage }) => {
  await stage.allow();
  await stage.press("Airplane");
  const { form, waiting } = await stage.reminders();
  await form.getByLabel("Seconds from now").fill("3600");
  await form.getByRole("button", { name: "Set reminder" }).click();
  await expect(stage.screen.getByText("“lighthouse” is set.")).toBeVisible();
  await expect(waiting.getByRole("listitem")).toContainText(LIGHTHOUSE);

  await test.step("the user ends the app; an hour passes", async () => {
    await stage.press("Apps");
    await stage.on("Force-quit News").click();
    await stage.appIs("force-quit");
    await stage.page.keyboard.press("Escape");
    await stage.pass("+1 hour");
  });

  await test.step("the iPhone shows it all the same", async () => {
    await stage.press("Notifications");
    const list = stage.screen.getByRole("region", { name: "Notifications", exact: true });
    await expect(list.getByRole("listitem")).toContainText(LIGHTHOUSE);
    await expect(list.getByRole("listitem")).toContainText("You wanted to read this.");
    await list.getByRole("button", { name: new RegExp(`^${LIGHTHOUSE}`) }).click();
  });

  await test.step("the tap starts the app, which opens the page and says how it came there", async () => {
    await stage.appIs("in front");
    const article = stage.screen.getByRole("article");
    await expect(article).toContainText("https://news.example/lighthouse");
    await expect(article).toContainText("The app wasn’t running");
    await expect(article).toContainText("launchOptions[localNotification]");
  });
});

test("the same identifier replaces what waits, and what waits can be cancelled", async ({ stage }) => {
  await stage.allow();
  const { form, waiting } = await stage.reminders();
  await form.getByLabel("Seconds from now").fill("600");
  await form.getByRole("button", { name: "Set reminder" }).click();
  await expect(waiting.getByRole("listitem")).toHaveCount(1);
  await form.getByRole("radio", { name: "Daily at" }).check({ force: true });
  await form.getByLabel("Time of day").fill("21:30");
  await form.getByRole("button", { name: "Set reminder" }).click();
  await expect(stage.screen.getByText("it replaced the one with the same identifier")).toBeVisible();
  await expect(waiting.getByRole("listitem")).toHaveCount(1);
  await expect(waiting.getByRole("listitem")).toContainText(/Daily, next .*21:30/);

  await form.getByLabel("Remind me to read").selectOption("Night trains return to the north");
  await form.getByRole("button", { name: "Set reminder" }).click();
  await expect(waiting.getByRole("listitem")).toHaveCount(2);
  await waiting.getByRole("button", { name: "Cancel “lighthouse”" }).click();
  await expect(stage.screen.getByText("“lighthouse” is cancelled.")).toBeVisible();
  await expect(waiting.getByRole("listitem")).toHaveCount(1);
  await expect(waiting).toContainText("night-trains");
});

test("a daily reminder comes and waits for the next day; what stands in the list can be withdrawn", async ({ stage }) => {
  await stage.allow();
  const { form } = await stage.reminders();
  await form.getByRole("radio", { name: "Daily at" }).check({ force: true });
  await form.getByRole("button", { name: "Set reminder" }).click();
  await expect(stage.screen.getByText("“lighthouse” is set.")).toBeVisible();
  await stage.goHome();
  await stage.pass("+1 day");
  await stage.press("Notifications");
  const list = stage.screen.getByRole("region", { name: "Notifications", exact: true });
  await expect(list.getByRole("listitem")).toHaveCount(1);
  await stage.page.keyboard.press("Escape");

  await stage.openNews();
  const { waiting, shown } = await stage.reminders();
  await expect(waiting.getByRole("listitem")).toContainText("Daily, next");
  await shown.getByRole("button", { name: "Withdraw “lighthouse”" }).click();
  await expect(shown).toContainText("Nothing of this app.");
  await stage.press("Notifications");
  await expect(list).toContainText("No notifications");
});

test("a reminder that comes while the app is open is the app’s to show", async ({ stage }) => {
  await stage.allow();
  const { form, waiting } = await stage.reminders();
  await form.getByLabel("Seconds from now").fill("1");
  await form.getByRole("button", { name: "Set reminder" }).click();
  await expect(stage.screen.getByRole("status").filter({ hasText: "News came while you were reading" })).toContainText(
    LIGHTHOUSE,
  );
  await expect(stage.banner).toBeHidden();
  await expect(waiting).toContainText("Nothing is waiting");
});

test("what can’t be is said: seconds that are none, and an app that may not notify", async ({ stage }) => {
  await stage.openNews();
  await stage.prompt.getByRole("button", { name: "Don’t Allow" }).click();
  const { form, waiting } = await stage.reminders();
  await form.getByLabel("Seconds from now").fill("0");
  await stage.page.keyboard.press("Enter");
  await expect(form).toContainText("Whole seconds, from 1 to 86400.");
  await form.getByLabel("Seconds from now").fill("5");
  await form.getByRole("button", { name: "Set reminder" }).click();
  await expect(stage.screen.getByText(/notificationsNotAllowed/)).toBeVisible();
  await expect(waiting).toContainText("Nothing is waiting");
});

test("the keyboard alone sets a reminder, and cancels it", async ({ stage, page }) => {
  await stage.allow();
  const { form, waiting } = await stage.reminders();
  await form.getByLabel("Remind me to read").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  await expect(form.getByRole("radio", { name: "Daily at" })).toBeChecked();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("900");
  await page.keyboard.press("Enter");
  await expect(waiting.getByRole("listitem")).toHaveCount(1);
  await waiting.getByRole("button", { name: "Cancel “lighthouse”" }).focus();
  await page.keyboard.press("Enter");
  await expect(waiting).toContainText("Nothing is waiting");
});

test.describe("in a browser that speaks Chinese", () => {
  test.use({ locale: "zh-CN" });
  test("the reminder is Chinese, too", async ({ homing, page }) => {
    await page.goto(homing.link);
    await page.getByRole("button", { name: "打开News" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "允许", exact: true }).click();
    await page.getByRole("button", { name: "提醒", exact: true }).click();
    await page.getByRole("button", { name: "设置提醒" }).click();
    await expect(page.getByText("已设置“lighthouse”。")).toBeVisible();
    await expect(page.getByRole("region", { name: "等待中" })).toContainText("老灯塔重新亮了起来");
  });
});
