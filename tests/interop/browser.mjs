// SPDX-License-Identifier: Apache-2.0
// Starts Debian's Chromium for a test of a page, and watches what the page must never do: log an
// error, throw, break its Content-Security-Policy, or ask another machine for anything.
//
//   import { openBrowser } from "./browser.mjs";
//   const browser = await openBrowser(modules);          // build/interop/node_modules
//   const view = await browser.newView({ colorScheme: "dark" });
//   await view.page.goto(url);
//   ...
//   view.assertClean();                                  // throws with all that was noticed
//   await browser.close();
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const FLAGS = [
  "--no-sandbox", // tests run as root in containers
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-sync",
  "--disable-component-update",
  "--no-first-run",
];

// What a screen reader or a keyboard would stumble over.
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

class View {
  constructor(context, page, modules) {
    this.context = context;
    this.page = page;
    this.modules = modules;
    this.problems = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.problems.push(`console ${message.type()}: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => this.problems.push(`uncaught: ${error.stack}`));
    page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      const isHere = hostname === "localhost" || hostname === "127.0.0.1";
      const isNoNetwork = ["data:", "blob:", "file:", "about:"].includes(protocol);
      if (!isHere && !isNoNetwork) this.problems.push(`request to ${request.url()}`);
    });
  }

  // Errors that a test provokes and the browser reports by itself, like a 401.
  forget(pattern) {
    this.problems = this.problems.filter((problem) => !pattern.test(problem));
  }

  async assertClean() {
    const violations = await this.page.evaluate(() => globalThis.__cspViolations);
    assert.deepEqual([...this.problems, ...violations], []);
  }

  async assertAccessible() {
    const source = readFileSync(`${this.modules}/axe-core/axe.min.js`, "utf8");
    // Through the debugger, so that the page's own policy stays as it is.
    await this.page.evaluate(source);
    const result = await this.page.evaluate(
      (tags) => globalThis.axe.run(document, { runOnly: tags }),
      AXE_TAGS,
    );
    const found = result.violations.map(
      (violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" | ")}`,
    );
    assert.deepEqual(found, []);
  }

  // Nothing is wider than the window.
  async assertFits() {
    const sizes = await this.page.evaluate(() => ({
      content: document.documentElement.scrollWidth,
      window: document.documentElement.clientWidth,
    }));
    assert.ok(sizes.content <= sizes.window, `content is ${sizes.content} px wide of ${sizes.window}`);
  }
}

export async function openBrowser(modules) {
  const { chromium } = createRequire(`${resolve(modules)}/`)("playwright-core");
  const browser = await chromium.launch({
    executablePath: process.env.PJ_CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
  });
  return {
    // A window of its own, without what others stored. Options are those of playwright's newContext.
    async newView(options = {}) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      await page.addInitScript(() => {
        globalThis.__cspViolations = [];
        document.addEventListener("securitypolicyviolation", (event) => {
          globalThis.__cspViolations.push(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
        });
      });
      return new View(context, page, modules);
    },
    close: () => browser.close(),
  };
}
