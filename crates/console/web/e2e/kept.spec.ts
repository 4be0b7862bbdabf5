// What stays: over a reload, while the iPhone is away, and as time passes.

import { expect, Stage, test } from "./stage";

test("a reload keeps everything, also what is open", async ({ stage, page }) => {
  await stage.allow();
  await stage.goHome();
  await stage.send({ Title: "Kept", url: "https://news.example/kept" });
  await expect(stage.arrival("Kept")).toContainText("displayed");
  await stage.arrival("Kept").getByRole("button").click();
  await expect(stage.drawer).toContainText("Displayed");
  await page.reload();
  await expect(stage.drawer).toContainText("Displayed");
  await page.keyboard.press("Escape");
  await expect(stage.drawer).toBeHidden();
  await expect(stage.arrival("Kept")).toContainText("displayed");
  await expect(stage.count("Kept", "displayed")).toHaveText("1");
  await expect(stage.on("Open News, badge 1")).toBeVisible();
  await stage.press("Notifications");
  await stage.screen.getByRole("button", { name: /^Kept/ }).click();
  await expect(stage.screen.getByRole("article")).toContainText("https://news.example/kept");
  await page.reload();
  await expect(stage.screen.getByRole("article")).toContainText("https://news.example/kept");
});

test("many windows are alike, more than a browser has connections", async ({ stage, page }) => {
  await stage.allow();
  await stage.goHome();
  const others: Stage[] = [];
  for (let count = 0; count < 7; count += 1) {
    const other = new Stage(await page.context().newPage(), stage.homing);
    await other.page.goto(new URL(page.url()).origin);
    await expect(other.page.getByText("Live", { exact: true })).toBeVisible();
    others.push(other);
  }
  await stage.send({ Title: "Everywhere" });
  for (const other of others) {
    await expect(other.count("Everywhere", "displayed")).toHaveText("1");
    await expect(other.arrival("Everywhere")).toContainText("displayed");
  }
  await test.step("also when the window that held the streams is closed", async () => {
    await page.close();
    const [first, second] = others;
    await first?.send({ Title: "Without the first" });
    await expect(second?.arrival("Without the first") ?? page.locator("nothing")).toContainText("displayed");
  });
});

test("for an iPhone that is away only the newest is kept, and comes when it is back", async ({ stage }) => {
  await stage.allow();
  await stage.goHome();
  await stage.press("Airplane");
  await expect(stage.page.getByText("Airplane mode").first()).toBeVisible();
  await stage.send({ Title: "First" });
  await expect(stage.count("First", "accepted")).toHaveText("1");
  await stage.send({ Title: "Second" });
  await expect(stage.push("First")).toContainText("Not delivered: replaced");
  await expect(stage.arrivals).toContainText("Nothing came yet");
  await stage.press("Airplane");
  await expect(stage.arrival("Second")).toContainText("displayed");
  await expect(stage.count("Second", "displayed")).toHaveText("1");
  await expect(stage.arrivals.getByRole("listitem")).toHaveCount(1);
});

test("time passes at once: what was to be kept for an hour is gone a day later", async ({ stage }) => {
  await stage.allow();
  await stage.goHome();
  await stage.press("Airplane");
  await stage.form.getByRole("button", { name: "More" }).click();
  await stage.form.getByLabel("Keep for an iPhone that is away").selectOption("1 hour");
  await stage.send({ Title: "Good for an hour" });
  await expect(stage.count("Good for an hour", "accepted")).toHaveText("1");
  const tomorrow = new Date(Date.now() + 24 * 3600 * 1000);
  await stage.pass("+1 day");
  const day = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
  await expect(stage.screen).toContainText(day.format(tomorrow));
  await stage.press("Airplane");
  await expect(stage.push("Good for an hour")).toContainText("Not delivered: expired");
  await expect(stage.arrivals).toContainText("Nothing came yet");
});
