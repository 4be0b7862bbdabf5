// Who is signed in where, and who therefore gets what.

import { expect, test } from "./stage";

test("after the logout nothing comes, and the push says why", async ({ stage }) => {
  await stage.allow();
  await stage.account("Sign out");
  await expect(stage.screen.getByRole("button", { name: "Sign in" })).toBeVisible();
  await stage.goHome();
  const reader = stage.users.getByRole("listitem").filter({ hasText: "reader" });
  await expect(reader).not.toContainText("Development");
  await stage.send({ Title: "For nobody" });
  await expect(stage.form).toContainText("nobody can be reached");
  await expect(stage.count("For nobody", "planned")).toHaveText("0");
  await expect(stage.push("For nobody")).toContainText(/reader/);
  await expect(stage.arrivals).toContainText("Nothing came yet");
});

test("who signs in last on an iPhone gets what is for them, and nobody else's", async ({ stage }) => {
  await stage.allow();
  await stage.account("ann");
  await expect(stage.users.getByRole("listitem").filter({ hasText: "ann" })).toContainText("Development");
  await stage.goHome();
  await stage.form.getByRole("combobox", { name: "User", exact: true }).fill("ann");
  await stage.send({ Title: "For ann" });
  await expect(stage.arrival("For ann")).toContainText("displayed");
  await stage.form.getByRole("combobox", { name: "User", exact: true }).fill("reader");
  await stage.send({ Title: "For reader" });
  await expect(stage.count("For reader", "planned")).toHaveText("0");
});

test("of two iPhones the one that logged in last gets it, unless all shall", async ({ stage }) => {
  await stage.allow();
  await stage.goHome();
  await stage.page.getByRole("button", { name: "Add an iPhone" }).click();
  await stage.page.getByRole("textbox", { name: "Name" }).fill("second");
  await stage.page.getByRole("group", { name: "Add an iPhone" }).getByRole("button", { name: "Add an iPhone" }).click();
  await expect(stage.page.getByRole("radio", { name: "second" })).toBeChecked();
  const reader = stage.users.getByRole("listitem").filter({ hasText: "reader" });
  await expect(reader).toContainText("second");
  await expect(reader).toContainText("Development");

  await stage.send({ Title: "To the last" });
  await expect(stage.count("To the last", "planned")).toHaveText("1");
  await expect(stage.arrival("To the last")).toContainText("Not shown: not allowed");
  await stage.choose("Development");
  await expect(stage.arrivals).toContainText("Nothing came yet");

  await stage.form.getByRole("button", { name: "More" }).click();
  await stage.form.getByLabel("To which of a user’s iPhones").selectOption("all devices");
  await stage.send({ Title: "To all" });
  await expect(stage.count("To all", "delivered")).toHaveText("2");
  await expect(stage.arrival("To all")).toContainText("displayed");

  await test.step("an erased iPhone's token has ended", async () => {
    await stage.choose("second");
    await stage.page.getByRole("button", { name: "Erase second" }).click();
    await stage.page.getByRole("button", { name: "Erase it" }).click();
    await expect(stage.page.getByRole("radio", { name: "second" })).toBeHidden();
    // The push service hears of it a moment later: what was sent before that is stored.
    await expect(async () => {
      await stage.send({ Title: "One is gone" });
      await expect(stage.push("One is gone")).toContainText("Refused: the token has ended", { timeout: 2_000 });
    }).toPass({ timeout: 40_000 });
    await expect(stage.count("One is gone", "displayed")).toHaveText("1");
  });
});
