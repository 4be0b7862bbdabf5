// Makes the two pictures of the README anew: `npm run images`. Not a test; what they show is walked by the specs.

import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, Stage, test } from "./stage";

const IMAGES = fileURLToPath(new URL("../../../../docs/images/", import.meta.url));

async function take(page: Page, name: string): Promise<void> {
  // Let what moves come to rest; the pointer marks nothing.
  await page.mouse.move(720, 895);
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  await page.screenshot({ path: `${IMAGES}${name}.png` });
}

test("the whole stage, in English and light", async ({ stage, page }) => {
  await stage.allow();
  await stage.send({
    Title: "Night trains return to the north",
    Text: "Three lines, and a bed by the window.",
    url: "https://news.example/night-trains",
  });
  await expect(stage.arrival("Night trains return to the north")).toContainText("Not shown");
  await stage.goHome();
  await stage.send({
    Title: "How a pigeon knows the way home",
    Text: "The sun, the stars, a magnet.",
    url: "https://news.example/pigeon-post",
  });
  await stage.banner.getByRole("button", { name: /pigeon/ }).click();
  await expect(stage.count("How a pigeon knows the way home", "opened")).toHaveText("1");
  await stage.goHome();
  await stage.send({
    Title: "The old lighthouse shines again",
    Text: "After nine dark years, the lamp is lit. Tap to read.",
    url: "https://news.example/lighthouse",
  });
  await expect(stage.count("The old lighthouse shines again", "displayed")).toHaveText("1");
  await expect(stage.banner).toContainText("The old lighthouse");
  await take(page, "console-light");
});

test.describe("in Chinese and dark", () => {
  test.use({ locale: "zh-CN", colorScheme: "dark" });

  test("the way of a notification that wasn't shown", async ({ page, homing }) => {
    const stage = new Stage(page, homing);
    await page.goto(homing.link);
    const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
    await stage.page.getByRole("button", { name: /^打开News/ }).click();
    await button("允许").click();
    await button("发送").click();
    const decided = page.getByRole("region", { name: "iPhone 的决定" }).getByRole("listitem");
    await expect(decided.first()).toContainText("应用在前台");
    await button("主屏幕").click();
    await button("发送").click();
    await expect(decided).toHaveCount(2);
    await page.getByRole("region", { name: "iPhone 的屏幕" }).getByRole("status").getByRole("button").first().click();
    await expect(decided.first()).toContainText("已点开");
    await decided.filter({ hasText: "应用在前台" }).getByRole("button").click();
    const story = page.getByRole("dialog");
    await expect(story.getByText("foreground")).toBeVisible();
    await take(page, "console-dark-zh");
  });
});
