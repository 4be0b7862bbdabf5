// The three states of an app, and what a notification meets in each.

import { expect, test } from "./stage";

test.beforeEach(async ({ stage }) => {
  await stage.allow();
});

test("in front, the app gets it and the user sees no banner; the reason is told", async ({ stage }) => {
  await stage.send({ Title: "While reading" });
  await expect(stage.arrival("While reading")).toContainText("Not shown: app in front");
  await expect(stage.push("While reading")).toContainText("Not shown: app in front");
  await expect(stage.banner).toBeHidden();
  await expect(stage.screen.getByRole("status").filter({ hasText: "News came while you were reading" })).toContainText(
    "While reading",
  );
  await stage.arrival("While reading").getByRole("button").click();
  await expect(stage.drawer).toContainText("That is iOS’s default");
  await expect(stage.drawer).toContainText("when it came, the app was in front");
});

test("in front, an app may want the banner all the same, and a tap on it opens the page", async ({ stage }) => {
  await stage.on("This device").click();
  const banner = stage.screen.getByRole("radio", { name: "Banner" });
  await banner.click({ force: true });
  await expect(banner).toBeChecked();
  await stage.send({ Title: "Shown in front", url: "https://news.example/front" });
  await expect(stage.banner).toContainText("Shown in front");
  await expect(stage.screen.getByText("News came while you were reading")).toBeHidden();
  await expect(stage.arrival("Shown in front")).toContainText("displayed");
  await stage.banner.getByRole("button", { name: "Shown in front" }).click();
  await expect(stage.screen.getByRole("article")).toContainText("https://news.example/front");
  await expect(stage.screen.getByRole("article")).toContainText("The app was running already");
});

test("in background, a banner shows it, and it stays in the list until it is cleared", async ({ stage }) => {
  await stage.goHome();
  await stage.send({ Title: "Later" });
  await expect(stage.banner).toContainText("Later");
  await test.step("a swipe upwards wipes the banner away and opens nothing", async () => {
    await stage.banner.hover();
    await stage.page.mouse.down();
    const box = await stage.banner.boundingBox();
    await stage.page.mouse.move(box?.x ?? 0, (box?.y ?? 0) - 40, { steps: 5 });
    await stage.page.mouse.up();
    await expect(stage.banner).toBeHidden();
    await stage.appIs("in background");
  });
  await stage.press("Notifications");
  const list = stage.screen.getByRole("region", { name: "Notifications" });
  await expect(list.getByRole("listitem")).toContainText("Later");
  await list.getByRole("button", { name: "Clear all" }).click();
  await expect(list).toContainText("No notifications");
  await expect(stage.arrival("Later")).toContainText("cleared");
});

test("a force-quit app is shown all the same, and a tap starts it on the page", async ({ stage }) => {
  await stage.goHome();
  await stage.press("Apps");
  await stage.on("Force-quit News").click();
  await stage.appIs("force-quit");
  await stage.page.keyboard.press("Escape");
  await stage.send({ Title: "Start me", url: "https://news.example/start" });
  await expect(stage.arrival("Start me")).toContainText("displayed");
  await stage.press("Notifications");
  await stage.screen.getByRole("button", { name: /^Start me/ }).click();
  await stage.appIs("in front");
  await expect(stage.screen.getByRole("article")).toContainText("https://news.example/start");
  await expect(stage.screen.getByRole("article")).toContainText("Opened by the notification “Start me”");
  await expect(stage.screen.getByRole("article")).toContainText("launchOptions[remoteNotification]");
  await expect(stage.arrival("Start me")).toContainText("opened");
});

test("a silent push wakes an app in background, but not one that was force-quit", async ({ stage }) => {
  await stage.goHome();
  await stage.form.getByRole("button", { name: "More" }).click();
  await stage.form.getByRole("checkbox", { name: /Silent/ }).check();
  await stage.send({ url: "https://news.example/tide-tables" });
  await expect(stage.arrival("Silent push")).toContainText("Not shown: silent push");
  await stage.openNews();
  const fresh = stage.screen.getByRole("list", { name: "Fetched silently" });
  await expect(fresh.getByRole("button")).toContainText("tide tables");
  await expect(fresh.getByRole("button")).toContainText("in background");
  await stage.on("This device").click();
  await expect(stage.screen.getByText("Silent pushes since launch").locator("..")).toContainText("1");
  await stage.press("Apps");
  await stage.on("Force-quit News").click();
  await stage.appIs("force-quit");
  await stage.send();
  await expect(stage.arrivals.getByRole("listitem")).toHaveCount(2);
  await stage.appIs("force-quit");
});

test("a locked iPhone shows it on the lock screen, and a tap unlocks", async ({ stage }) => {
  await stage.press("Lock");
  await stage.appIs("in background");
  await stage.send({ Title: "On the lock screen", url: "https://news.example/lock" });
  const note = stage.screen.getByRole("list", { name: "Notifications on the lock screen" }).getByRole("listitem");
  await expect(note).toContainText("On the lock screen");
  await expect(stage.banner).toBeHidden();
  await note.getByRole("button", { name: /^On the lock screen/ }).click();
  await stage.appIs("in front");
  await expect(stage.screen.getByRole("article")).toContainText("https://news.example/lock");
});
