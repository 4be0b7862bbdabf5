// For everybody: Chinese, dark, narrow windows, the keyboard alone, names for everything.

import type { Page } from "@playwright/test";
import { expect, test } from "./stage";

const ROLES = ["button", "link", "textbox", "combobox", "checkbox", "radio", "switch", "dialog", "alertdialog"] as const;

async function expectNames(page: Page): Promise<void> {
  for (const role of ROLES) {
    await expect(page.getByRole(role, { name: /^\s*$/ }), `every ${role} has a name`).toHaveCount(0);
  }
}

/** Texts outside the iPhone that are hard to read: with their contrast, by WCAG 2's reckoning. */
function faint(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    /** What is seen where these colours lie on one another, the lowest first. */
    const seen = (colours: string[]) => {
      pen?.clearRect(0, 0, 1, 1);
      for (const colour of colours) {
        if (pen) {
          pen.fillStyle = colour;
          pen.fillRect(0, 0, 1, 1);
        }
      }
      const channels = [...(pen?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3).map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * (channels[0] ?? 0) + 0.7152 * (channels[1] ?? 0) + 0.0722 * (channels[2] ?? 0);
    };
    const found = [];
    for (const element of document.querySelectorAll<HTMLElement>("main *, header *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
      const inPhone = element.closest("[aria-label='The iPhone’s screen']") !== null;
      const style = getComputedStyle(element);
      if (!own || inPhone || !element.checkVisibility() || element.closest(":disabled, [aria-disabled=true]") !== null) {
        continue;
      }
      const below = [];
      for (let at: Element | null = element; at !== null; at = at.parentElement) {
        below.unshift(getComputedStyle(at).backgroundColor);
      }
      const [a, b] = [seen(below), seen([...below, style.color])];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const large = Number.parseFloat(style.fontSize) >= 24 || (Number.parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      if (contrast < (large ? 3 : 4.5)) {
        found.push(`${contrast.toFixed(2)} ${element.textContent?.trim().slice(0, 40)}`);
      }
    }
    return found;
  });
}

for (const scheme of ["light", "dark"] as const) {
  test(`everything has a name and can be read, ${scheme}`, async ({ stage, page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await expectNames(page);
    await stage.allow();
    await stage.send({ Title: "While reading" });
    await expect(stage.arrival("While reading")).toContainText("Not shown");
    await stage.on("This device").click();
    await expectNames(page);
    await stage.screen.getByRole("button", { name: "Account: reader" }).click();
    await expectNames(page);
    await page.keyboard.press("Escape");
    await stage.on("Open Settings").click();
    await expect(stage.screen.getByRole("switch", { name: "Sounds" })).toBeVisible();
    await expectNames(page);
    await stage.send({ Title: "Shown" });
    await expect(stage.arrival("Shown")).toContainText("displayed");
    await stage.arrival("While reading").getByRole("button").click();
    await expect(stage.drawer.getByText("Not shown", { exact: true })).toBeVisible();
    await expectNames(page);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    expect(await faint(page)).toEqual([]);
  });
}

test("the look can be changed, and stays", async ({ stage, page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole("button", { name: /^Look: as the system/ }).click();
  await page.getByRole("button", { name: /^Look: light/ }).click();
  await expect(page.getByRole("button", { name: /^Look: dark/ })).toBeVisible();
  expect(await background()).not.toBe(light);
  await page.reload();
  await expect(stage.screen).toBeVisible();
  expect(await background()).not.toBe(light);
});

test("the page speaks Chinese, and the language stays", async ({ stage, page }) => {
  await stage.send({ Title: "没有人问过" });
  await page.getByRole("button", { name: "中文" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-Hans");
  const decided = page.getByRole("region", { name: "iPhone 的决定" });
  await expect(decided.getByRole("listitem")).toContainText("未获允许");
  await decided.getByRole("button").click();
  const story = page.getByRole("dialog");
  await expect(story).toContainText("用户没有允许这个应用显示通知");
  await expect(story.getByRole("list").filter({ hasText: "已计划" })).toContainText("业务服务端");
  await page.keyboard.press("Escape");
  await page.getByRole("textbox", { name: "载荷" }).fill('{"aps":{"alert":5}}');
  await expect(page.getByRole("status", { name: "检查结果" })).toContainText("字符串或对象");
  await page.reload();
  await expect(page.getByRole("region", { name: "发送推送" })).toBeVisible();
  await expectNames(page);
});

test.describe("in a browser that speaks Chinese", () => {
  test.use({ locale: "zh-CN" });
  test("the page speaks it from the first line", async ({ page, homing }) => {
    await page.goto(homing.link);
    await expect(page.getByText("每一条通知")).toBeVisible();
    await page.getByRole("button", { name: "打开News" }).click();
    await expect(page.getByRole("alertdialog")).toContainText("“News”想给你发送通知");
  });
});

test("the keyboard alone is enough, and leads nowhere without a way out", async ({ stage, page }) => {
  const focused = (role: "button" | "textbox", name: string | RegExp) => page.getByRole(role, { name }).and(page.locator(":focus"));
  const tabTo = async (role: "button" | "textbox", name: string | RegExp) => {
    for (let steps = 0; steps < 60; steps += 1) {
      await page.keyboard.press("Tab");
      if ((await focused(role, name).count()) > 0) {
        return;
      }
    }
    throw new Error(`the Tab key doesn't lead to ${name}`);
  };
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "To the iPhone" })).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo("button", /^Open News/);
  await page.keyboard.press("Enter");
  await expect(stage.prompt).toBeFocused();
  await tabTo("button", /^Allow$/);
  await page.keyboard.press("Enter");
  await expect(stage.prompt).toBeHidden();
  await stage.appIs("in front");
  await tabTo("button", /^Go to the home screen/);
  await page.keyboard.press("Enter");
  await stage.appIs("in background");
  await tabTo("textbox", "Title");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await expect(stage.arrival("By keyboard")).toContainText("displayed");
  await page.keyboard.press("Home");
  await stage.controls.getByRole("button", { name: "Notifications" }).focus();
  await page.keyboard.press("Enter");
  await expect(stage.screen.getByRole("heading", { name: "Notifications" })).toBeFocused();
  await tabTo("button", /^By keyboard/);
  await page.keyboard.press("Enter");
  await expect(stage.screen.getByRole("article")).toContainText("https://news.example/lighthouse");
  const row = stage.arrival("By keyboard").getByRole("button");
  await row.focus();
  await page.keyboard.press("Enter");
  await expect(stage.drawer).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(row).toBeFocused();
});

for (const [width, height] of [[1024, 768], [390, 844]] as const) {
  test(`nothing stands out of a window of ${width} pixels`, async ({ stage, page }) => {
    await page.setViewportSize({ width, height });
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await wide()).toBeLessThanOrEqual(width);
    await stage.allow();
    if (width < 760) {
      await page.getByRole("button", { name: "Sender", exact: true }).click();
    }
    await stage.send({ Title: "Narrow" });
    await stage.push("Narrow").getByRole("button").click();
    await expect(stage.drawer.getByRole("heading", { name: "Narrow" })).toBeVisible();
    expect(await wide()).toBeLessThanOrEqual(width);
  });
}
