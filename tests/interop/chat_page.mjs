// SPDX-License-Identifier: Apache-2.0
// node chat_page.mjs MODULES URL MODEL SCREENSHOTS [CHECK...]: the chat page in a real browser, with the
// server at URL behind it. Where a model has to say something certain, the request is answered here.
// Ends with an error when a check fails; pictures go to the folder SCREENSHOTS.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { openBrowser } from "./browser.mjs";

const [modules, url, model, screenshots, ...chosen] = process.argv.slice(2);
mkdirSync(screenshots, { recursive: true });
const browser = await openBrowser(modules);

async function open(options) {
  const view = await browser.newView({ viewport: { width: 1000, height: 720 }, ...options });
  await view.page.goto(url);
  await view.page.waitForFunction(() => document.getElementById("model").value !== "");
  return view;
}

const picture = (view, name) => view.page.screenshot({ path: `${screenshots}/${name}.png` });
const answers = (view) => view.page.locator("article.assistant");
const text = (view, at = -1) => answers(view).nth(at).locator(".text").textContent();

async function ask(view, question) {
  await view.page.getByLabel("Message").fill(question);
  await view.page.getByRole("button", { name: "Send" }).click();
}

const idle = (view) => view.page.waitForFunction(() => document.getElementById("stop").disabled);

// The page gets `chunks` as deltas of one answer.
async function script(view, deltas) {
  const events = deltas.map((delta) => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`);
  await view.page.route("**/v1/chat/completions", (route) =>
    route.fulfill({ contentType: "text/event-stream", body: `${events.join("")}data: [DONE]\n\n` }),
  );
}

const checks = {
  async whatIsForbiddenIsNoticed() {
    const view = await browser.newView();
    const page = async (html) => {
      await view.page.unrouteAll();
      await view.page.route(`${url}/`, (route) =>
        route.fulfill({
          contentType: "text/html",
          headers: { "Content-Security-Policy": "default-src 'self'" },
          body: `<title>x</title>${html}`,
        }),
      );
      await view.page.goto(url);
      await view.page.waitForTimeout(50);
    };
    await page("<p>good</p>");
    await view.assertClean();
    await page("<script>1</script>");
    await assert.rejects(view.assertClean(), /CSP: script-src/);
    view.forget(/Content Security Policy/);
    await page("<img src='http://evil.example/x.png'>");
    await assert.rejects(view.assertClean(), /evil.example/);
    await assert.rejects(view.assertAccessible(), /image-alt/);
    await page("<div style='width: 5000px; height: 1px'></div><pre>" + "x".repeat(3000) + "</pre>");
    await assert.rejects(view.assertFits());
  },

  async aMessageIsAnsweredPieceByPiece() {
    const view = await open();
    const seen = [];
    await view.page.exposeFunction("noteText", (value) => seen.push(value));
    await view.page.evaluate(() => {
      new MutationObserver(() => {
        const all = document.querySelectorAll("article.assistant .text");
        if (all.length) globalThis.noteText(all[all.length - 1].textContent);
      }).observe(document.getElementById("messages"), { childList: true, subtree: true, characterData: true });
    });
    assert.equal(await view.page.getByRole("combobox").inputValue(), model);
    await view.page.getByLabel("Max tokens").fill("40");
    await ask(view, "Tell me about a cat.");
    await idle(view);
    const final = await text(view);
    assert.ok(final.length > 20, final);
    assert.ok(new Set(seen.map((value) => value.length)).size > 5, "the answer grows");
    assert.match(await view.page.getByRole("status").textContent(), /^\d+ tokens, [\d.]+ per second$/);
    await ask(view, "And a dog?");
    await idle(view);
    assert.equal(await answers(view).count(), 2);
    await picture(view, "conversation");
    await view.assertFits();
    await view.assertAccessible();
    await view.assertClean();
  },

  async stopStops() {
    const view = await open();
    // The example model is fast and its stories are short: the click comes with the first words.
    await view.page.route("**/v1/chat/completions", (route) =>
      route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), ignore_eos: true }) }),
    );
    await view.page.evaluate(() => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector("article.assistant .text")?.textContent) return;
        observer.disconnect();
        document.getElementById("stop").click();
      }).observe(document.getElementById("messages"), { childList: true, subtree: true });
    });
    await view.page.getByLabel("Max tokens").fill("400");
    await ask(view, "Tell me a long story.");
    await idle(view);
    assert.equal(await view.page.getByRole("status").textContent(), "Stopped.");
    const before = await text(view);
    assert.ok(before.length > 0);
    await view.page.waitForTimeout(300);
    assert.equal(await text(view), before);
    await view.assertClean();
  },

  async hostileTextStaysText() {
    const view = await open();
    const hostile =
      '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>' +
      '</article><a href="javascript:alert(1)">x</a>&lt;b&gt;\u202e\u0000';
    await script(view, [
      { role: "assistant", content: "" },
      { reasoning_content: `thinking ${hostile}` },
      { content: hostile },
      { content: "<iframe src='https://evil.example'></iframe>" },
    ]);
    await ask(view, `question ${hostile}`);
    await idle(view);
    assert.ok((await text(view)).includes("<img src=x"));
    assert.equal(await view.page.evaluate(() => globalThis.hacked), undefined);
    const inside = await view.page.evaluate(() =>
      [...document.querySelectorAll("#messages *")].map((element) => element.localName),
    );
    const known = new Set(["article", "div", "details", "summary", "h2"]);
    assert.deepEqual(inside.filter((name) => !known.has(name)), []);
    await view.assertClean();
  },

  async thoughtsCanBeFolded() {
    const view = await open();
    await script(view, [{ reasoning_content: "First I " }, { reasoning_content: "think." }, { content: "It is 2." }]);
    await ask(view, "What is 1 + 1?");
    await idle(view);
    const thoughts = answers(view).locator("details");
    assert.equal(await thoughts.locator("div").textContent(), "First I think.");
    assert.equal(await text(view), "It is 2.");
    assert.ok(await thoughts.locator("div").isHidden(), "folded once the answer has begun");
    await thoughts.locator("summary").click();
    assert.ok(await thoughts.locator("div").isVisible());
    await picture(view, "thoughts");
    await view.assertAccessible();
    await view.assertClean();
  },

  async errorsAreShown() {
    const view = await open();
    await view.page.route("**/v1/chat/completions", (route) =>
      route.fulfill({ status: 429, contentType: "application/json", body: '{"error":{"message":"too busy"}}' }),
    );
    await ask(view, "Hello");
    await idle(view);
    assert.equal(await view.page.getByRole("status").textContent(), "too busy");
    assert.equal(await answers(view).locator(".failure").textContent(), "too busy");
    await picture(view, "error");
    view.forget(/status of 429/);
    // What failed is no part of the conversation.
    await view.page.unroute("**/v1/chat/completions");
    const sent = view.page.waitForRequest("**/v1/chat/completions");
    await ask(view, "Again");
    assert.deepEqual((await sent).postDataJSON().messages, [{ role: "user", content: "Again" }]);
    await idle(view);
    await view.assertClean();
  },

  async theKeyboardIsEnough() {
    const view = await open();
    const { keyboard } = view.page;
    const focused = () => view.page.evaluate(() => document.activeElement.id);
    assert.equal(await focused(), "input", "one can write at once");
    await keyboard.type("Tell me");
    await keyboard.press("Shift+Enter");
    await keyboard.type("about a cat.");
    assert.equal(await view.page.getByLabel("Message").inputValue(), "Tell me\nabout a cat.");
    await view.page.route("**/v1/chat/completions", () => {}); // no answer comes
    await keyboard.press("Enter");
    await view.page.waitForFunction(() => !document.getElementById("stop").disabled);
    await keyboard.press("Escape");
    await idle(view);
    assert.equal(await view.page.getByRole("status").textContent(), "Stopped.");
    assert.equal(await focused(), "input", "and go on writing");
    const reached = new Set();
    for (let count = 0; count < 12; ++count) {
      await keyboard.press("Tab");
      const id = await focused();
      reached.add(id);
      const ring = await view.page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return document.activeElement === document.body || style.outlineStyle !== "none";
      });
      assert.ok(ring, `the focus on ${id} is seen`);
    }
    for (const id of ["model", "temperature", "max-tokens", "api-key", "clear", "input", "send"]) {
      assert.ok(reached.has(id), `Tab reaches ${id}`);
    }
    await view.page.getByRole("button", { name: "New chat" }).focus();
    await keyboard.press("Enter");
    assert.equal(await answers(view).count(), 0);
    assert.equal(await focused(), "input");
    await view.assertClean();
  },

  async darkAndLight() {
    for (const colorScheme of ["light", "dark"]) {
      const view = await open({ colorScheme });
      await script(view, [{ reasoning_content: "Hm." }, { content: "A cat.\n\nAnother paragraph, " + "long ".repeat(60) }]);
      await ask(view, "Tell me about a cat.");
      await idle(view);
      const background = await view.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const brightness = background.match(/\d+/g).slice(0, 3).map(Number).reduce((sum, value) => sum + value);
      assert.equal(brightness > 382, colorScheme === "light", background);
      await picture(view, colorScheme);
      await view.assertAccessible();
      await view.assertClean();
    }
  },

  async narrowScreens() {
    const view = await open({ viewport: { width: 320, height: 568 } });
    await script(view, [{ content: `A cat. ${"x".repeat(300)}\n${"word ".repeat(80)}` }]);
    await ask(view, "Tell me about a cat.");
    await idle(view);
    await view.assertFits();
    for (const name of ["Send", "Stop", "New chat"]) {
      const box = await view.page.getByRole("button", { name }).boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= 320 && box.y + box.height <= 568, `${name} ${JSON.stringify(box)}`);
      assert.ok(box.height >= 24 && box.width >= 24);
    }
    await picture(view, "narrow");
    await view.assertAccessible();
    await view.assertClean();
  },

  async theKeyIsAskedForAndNotStored() {
    const view = await browser.newView();
    await view.page.route("**/v1/models", (route) =>
      route.request().headers().authorization === "Bearer secret"
        ? route.continue()
        : route.fulfill({ status: 401, contentType: "application/json", body: '{"error":{"message":"no key"}}' }),
    );
    await view.page.goto(url);
    await view.page.waitForFunction(() => document.getElementById("status").textContent !== "");
    assert.match(await view.page.getByRole("status").textContent(), /API key/);
    view.forget(/status of 401/);
    await view.page.getByLabel("API key").fill("secret");
    await view.page.keyboard.press("Tab");
    await view.page.waitForFunction(() => document.getElementById("model").value !== "");
    const stored = await view.page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
    assert.ok(!stored.includes("secret"), stored);
    await view.assertClean();
  },
};

for (const [name, check] of Object.entries(checks)) {
  if (chosen.length && !chosen.includes(name)) continue;
  try {
    await check();
  } catch (error) {
    console.error(`${name}: ${error.stack}`);
    process.exitCode = 1;
  }
}
await browser.close();
