// Writing a push: findings as one types, the payload by hand, the token, and what can't be sent.

import { expect, test } from "./stage";

test("a payload is judged while it is written, and sent as it stands", async ({ stage }) => {
  const payload = stage.form.getByRole("textbox", { name: "Payload" });
  const findings = stage.form.getByRole("status", { name: "Findings" });
  await expect(findings).toContainText("Nothing to mend");
  await payload.fill('{"aps":{"alert":{"title":"By hand"},"bagde":1}}');
  await expect(findings).toContainText("$.aps.bagde");
  await expect(findings).toContainText("did you mean badge?");
  await expect(stage.form.getByLabel("Title", { exact: true })).toBeDisabled();

  await payload.fill('{"aps":');
  await expect(findings).toContainText("the payload is not JSON");
  await stage.form.getByRole("button", { name: "Send", exact: true }).click({ force: true });
  await expect(stage.form).toContainText("The payload isn’t a JSON object");
  await expect(stage.pushes).toContainText("No push yet");

  await payload.fill('{"aps":{"alert":{"title":"By hand"}},"userInfo":{"url":"https://news.example/hand"}}');
  await expect(findings).toContainText("Nothing to mend");
  await stage.send();
  await expect(stage.arrival("By hand")).toBeVisible();
  await stage.push("By hand").getByRole("button").click();
  await expect(stage.drawer).toContainText("https://news.example/hand");
  await stage.page.keyboard.press("Escape");

  await stage.form.getByRole("button", { name: "Back to the fields" }).click();
  await expect(stage.form.getByLabel("Title", { exact: true })).toBeEnabled();
  await stage.write({ Title: "By the fields" });
  await expect(payload).toHaveValue(/By the fields/);
});

test.describe("a push that can't be", () => {
  test.use({ expected: /status of 422/ });

  test("a payload that is too large is refused, and the form says so", async ({ stage }) => {
    await stage.write({ Text: "long ".repeat(1_000) });
    await expect(stage.form.getByRole("status", { name: "Findings" })).toContainText("Apple answers 413 PayloadTooLarge");
    await stage.form.getByRole("button", { name: "Send", exact: true }).click();
    const notice = stage.page.getByRole("region", { name: "What couldn’t be done" }).getByRole("alert");
    await expect(notice).toBeVisible();
    await notice.getByRole("button", { name: "Close" }).click();
    await expect(notice).toBeHidden();
  });
});

test("a token reaches its iPhone, whoever is signed in", async ({ stage }) => {
  await stage.form.getByRole("radio", { name: "Token" }).check({ force: true });
  await stage.send({ Title: "By token" });
  await expect(stage.arrival("By token")).toContainText("Not shown: not allowed");
  await stage.form.getByRole("textbox", { name: "Token" }).fill("00".repeat(32));
  await stage.send({ Title: "To a stranger" });
  await expect(stage.push("To a stranger")).toContainText("the token isn’t one of this environment’s");
});
