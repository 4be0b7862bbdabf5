// The whole story: log in, allow notifications, be pushed to by name, tap, land on the page; and the account that the
// notification gives of itself.

import { expect, test } from "./stage";

const TITLE = "A bird came home";
const URL = "https://news.example/birds/7";

test("from the login to the page that the tapped notification names", async ({ stage }) => {
  await test.step("the demo's user is logged in from the first launch on", async () => {
    await expect(stage.users.getByRole("listitem").filter({ hasText: "reader" })).toContainText("Development");
  });

  await test.step("the system asks once whether the app may send notifications", async () => {
    await stage.openNews();
    await expect(stage.prompt).toContainText("“News” would like to send you notifications");
    await stage.prompt.getByRole("button", { name: "Allow", exact: true }).click();
    await expect(stage.prompt).toBeHidden();
    await stage.goHome();
    await stage.openNews();
    await stage.on("This device").click();
    await expect(stage.screen.getByText("Allowed", { exact: true })).toBeVisible();
    await expect(stage.prompt).toBeHidden();
  });

  await test.step("the app shows its device token in hex", async () => {
    const { demo } = await stage.homing.endpoints();
    expect(demo.development.device_token).toMatch(/^[0-9a-f]{64}$/);
    await expect(stage.screen.getByText(demo.development.device_token)).toBeVisible();
  });

  await test.step("a push to the user by name comes as a banner, with badge", async () => {
    await stage.goHome();
    await stage.send({ Title: TITLE, Text: "It flew all night.", Badge: "3", url: URL });
    // At once: a banner goes by itself after five seconds, and is tapped next.
    await Promise.all([
      expect(stage.banner).toContainText(TITLE),
      expect(stage.on("Open News, badge 3")).toBeVisible(),
      expect(stage.arrival(TITLE)).toContainText("displayed"),
    ]);
  });

  await test.step("the tap opens the app on the page that the payload names", async () => {
    await stage.banner.getByRole("button", { name: TITLE }).click();
    await stage.appIs("in front");
    await expect(stage.screen.getByRole("article")).toContainText(URL);
    await expect(stage.count(TITLE, "opened")).toHaveText("1");
    await expect(stage.page.getByRole("region", { name: "First steps" })).toContainText("See its whole way");
  });

  await test.step("the push tells of its notification, and that its whole way", async () => {
    await stage.push(TITLE).getByRole("button", { name: TITLE }).click();
    await expect(stage.drawer.getByRole("heading", { name: TITLE })).toBeVisible();
    await stage.drawer.getByRole("button", { name: /Development · reader/ }).click();
    const steps = stage.drawer.getByRole("list").filter({ hasText: "Planned" }).getByRole("strong");
    await expect(steps).toHaveText([
      "Planned",
      "Sent",
      "Accepted",
      "Stored",
      "On its way",
      "Delivered",
      "Displayed",
      "Opened",
    ]);
    await expect(stage.drawer).toContainText("when it came, the app was in background");
    await stage.page.keyboard.press("Escape");
    await expect(stage.drawer).toBeHidden();
  });
});

test("who says no is asked no more, but can change it in the settings", async ({ stage }) => {
  await stage.openNews();
  await stage.prompt.getByRole("button", { name: "Don’t Allow" }).click();
  await stage.goHome();
  await stage.send({ Title: "Not allowed" });
  await expect(stage.arrival("Not allowed")).toContainText("Not shown: not allowed");
  await expect(stage.push("Not allowed")).toContainText("Not shown: not allowed");

  await stage.openNews();
  await stage.prompt.getByRole("button", { name: "Open Settings" }).click();
  await stage.screen.getByRole("switch", { name: "Allow Notifications" }).click();
  await expect(stage.screen.getByRole("switch", { name: "Banners" })).toBeChecked();
  await stage.on("News").click();
  await stage.appIs("in front");
  await expect(stage.prompt).toBeHidden();
  await stage.goHome();
  await stage.send({ Title: "Allowed after all" });
  await expect(stage.banner).toContainText("Allowed after all");
});

test("the reason for what wasn't shown is one click away", async ({ stage }) => {
  await stage.send({ Title: "Nobody asked yet" });
  await stage.arrival("Nobody asked yet").getByRole("button").click();
  const decision = stage.drawer.getByRole("region", { name: "What the iPhone decided" });
  await expect(decision).toContainText("The user hasn’t allowed this app to show notifications");
  await expect(stage.drawer.getByText("not-permitted")).toBeVisible();
});
