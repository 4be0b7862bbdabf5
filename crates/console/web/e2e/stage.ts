// The page in the words of who uses it, found by role and name as a screen reader finds it. And what every walk begins
// with: a Homing of its own, signed in, and nothing on the browser's console.

import { expect, type Locator, type Page, test as base } from "@playwright/test";
import { Homing } from "./homing";

/** What a push says, for the fields of the form; what isn't given stays as the example has it. */
export interface Words {
  Title?: string;
  Text?: string;
  Badge?: string;
  url?: string;
}

export class Stage {
  readonly screen: Locator;
  readonly controls: Locator;
  readonly arrivals: Locator;
  readonly form: Locator;
  readonly pushes: Locator;
  readonly users: Locator;
  readonly drawer: Locator;
  readonly prompt: Locator;
  readonly banner: Locator;

  constructor(
    readonly page: Page,
    readonly homing: Homing,
  ) {
    this.screen = page.getByRole("region", { name: "The iPhone’s screen" });
    this.controls = page.getByRole("group", { name: "The iPhone’s controls" });
    this.arrivals = page.getByRole("region", { name: "What the iPhone decided" });
    this.form = page.getByRole("region", { name: "Send a push" });
    this.pushes = page.getByRole("region", { name: "Pushes" });
    this.users = page.getByRole("region", { name: "Who is signed in where" });
    this.drawer = page.getByRole("dialog");
    this.prompt = this.screen.getByRole("alertdialog");
    this.banner = this.screen.getByRole("status", { name: "Banner" });
  }

  async signIn(): Promise<void> {
    await this.page.goto(this.homing.link);
    await expect(this.screen).toBeVisible();
  }

  press(control: string): Promise<void> {
    return this.controls.getByRole("button", { name: control, exact: true }).click();
  }

  on(button: string | RegExp): Locator {
    return this.screen.getByRole("button", { name: button, exact: true });
  }

  appIs(state: string): Promise<void> {
    return expect(this.page.getByText(`News: ${state}`, { exact: true })).toBeVisible();
  }

  async openNews(): Promise<void> {
    await this.screen.getByRole("button", { name: /^Open News/ }).click();
    await this.appIs("in front");
  }

  async goHome(): Promise<void> {
    await this.press("Home");
    await this.appIs("in background");
  }

  /** Opens the app for the first time and allows it to send notifications; the app stays in front. */
  async allow(): Promise<void> {
    await this.openNews();
    await this.prompt.getByRole("button", { name: "Allow", exact: true }).click();
    await expect(this.prompt).toBeHidden();
  }

  /** The app's tab of reminders, with its form and its two lists. */
  async reminders(): Promise<{ form: Locator; waiting: Locator; shown: Locator }> {
    await this.on("Reminders").click();
    return {
      form: this.screen.getByRole("form", { name: "New reminder" }),
      waiting: this.screen.getByRole("region", { name: "Waiting" }),
      shown: this.screen.getByRole("region", { name: "Among the notifications" }),
    };
  }

  /** Lets time pass, at once: an hour, a day, or the week that the form of the clock begins with. */
  async pass(time: "+1 hour" | "+1 day" | "+1 week"): Promise<void> {
    await this.press("Time");
    const ahead = this.page.getByText(/ahead of real time/);
    const before = (await ahead.count()) > 0 ? await ahead.textContent() : null;
    await this.page.getByRole("button", { name: time === "+1 week" ? "Go" : time, exact: true }).click();
    await expect(ahead).toBeVisible();
    if (before !== null) {
      await expect(ahead).not.toHaveText(before);
    }
    await this.page.keyboard.press("Escape");
  }

  async choose(iphone: string): Promise<void> {
    await this.page.getByRole("radio", { name: iphone }).check({ force: true });
  }

  /** Signs in or out on the iPhone, in the app in front. */
  async account(row: string): Promise<void> {
    await this.screen.getByRole("button", { name: /^(Account: .*|Sign in)$/ }).click();
    const sheet = this.screen.getByRole("dialog");
    await sheet.getByRole("button", { name: row, exact: true }).click();
    await sheet.getByRole("button", { name: "Close" }).click();
  }

  async write(words: Words): Promise<void> {
    const { url, ...fields } = words;
    for (const [label, text] of Object.entries(fields)) {
      await this.form.getByLabel(label, { exact: true }).fill(text);
    }
    if (url !== undefined) {
      await this.form.getByLabel("Page to open (userInfo.url)").fill(url);
    }
  }

  /** Sends, and waits until the provider has taken it. */
  async send(words: Words = {}): Promise<void> {
    await this.write(words);
    await this.form.getByRole("button", { name: "Send", exact: true }).click();
    await expect(this.form.getByText(/^Accepted/)).toBeVisible();
  }

  /** The row of a push in the list, by its title. */
  push(title: string): Locator {
    return this.pushes.getByRole("listitem").filter({ has: this.page.getByText(title, { exact: true }) }).first();
  }

  /** How many of a push came so far. */
  count(title: string, step: string): Locator {
    const term = this.page.getByText(step, { exact: true });
    return this.push(title).locator("dl > div").filter({ has: term }).locator("dd");
  }

  /** The row of what came to the iPhone, by its title. */
  arrival(title: string): Locator {
    return this.arrivals.getByRole("listitem").filter({ has: this.page.getByText(title, { exact: true }) }).first();
  }
}

interface Fixtures {
  homing: Homing;
  /** Signed in, with nothing done yet. */
  stage: Stage;
  /** What a walk expects on the browser's console. */
  expected: RegExp;
}

export const test = base.extend<Fixtures>({
  expected: [/^$/, { option: true }],
  homing: async ({ browserName: _ }, give) => {
    const homing = await Homing.start();
    await give(homing);
    await homing.stop();
  },
  // What breaks the Content-Security-Policy is an error on the console, too. It depends on Homing, so that the page is
  // looked at before Homing stops, which breaks the page's streams.
  page: async ({ page, homing: _, expected }, give) => {
    const said: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        said.push(message.text());
      }
    });
    page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
    await give(page);
    expect(said.filter((text) => !expected.test(text))).toEqual([]);
  },
  stage: async ({ page, homing }, give) => {
    const stage = new Stage(page, homing);
    await stage.signIn();
    await give(stage);
  },
});

export { expect } from "@playwright/test";
