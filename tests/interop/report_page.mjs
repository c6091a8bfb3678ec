// SPDX-License-Identifier: Apache-2.0
// node report_page.mjs MODULES REPORT: opens a report in a browser, wide and narrow, light and dark,
// and prints as JSON what is there. test_report_page.py judges it.
import { pathToFileURL } from "node:url";

import { openBrowser } from "./browser.mjs";

const [modules, report] = process.argv.slice(2);
const url = pathToFileURL(report).href;
const browser = await openBrowser(modules);
const view = await browser.newView({ viewport: { width: 1200, height: 900 } });
const { page } = view;
page.on("request", (request) => {
  if (![url, "data:,"].includes(request.url())) view.problems.push(`request to ${request.url()}`);
});

// In the page.
function describe() {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const texts = (selector, root) => all(selector, root).map((element) => element.textContent);
  const box = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [left, top, right, bottom];
  };
  return {
    title: document.title,
    headings: texts("h2"),
    elements: [...new Set(all("*").map((element) => element.localName))],
    handlers: all("*").flatMap((element) =>
      element.getAttributeNames().filter((name) => name.startsWith("on"))),
    hacked: window.hacked ?? null,
    plots: all(".plot").map((plot) => ({
      name: plot.querySelector("figcaption").textContent,
      labels: texts(".label", plot),
      boxes: all(".label", plot).map(box),
      frame: box(plot.querySelector("svg")),
      marks: all(".mark", plot).map(box),
    })),
    histograms: all(".histogram").map((panel) => ({
      name: panel.querySelector("figcaption").textContent,
      bars: all(".bar", panel).length,
    })),
    maps: all(".heat").map((map) => texts("title", map)),
    rows: texts(".summary tbody th"),
    samples: all(".sample").length,
    marked: texts(".sample mark"),
  };
}

// Which panel of the tabs is seen after each label was clicked.
async function clickTabs(section) {
  const labels = await page.locator(`#${section} .tabs > label`).all();
  const seen = [];
  for (const label of labels) {
    await label.click();
    seen.push(await page.locator(`#${section} .tabs > .panel`).evaluateAll((panels) =>
      panels.map((panel) => panel.getBoundingClientRect().height > 0)));
  }
  return seen;
}

const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const overflow = () =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

await page.emulateMedia({ colorScheme: "light" });
await page.goto(url);
const found = await page.evaluate(describe);
found.light = await background();
found.tabs = { tensors: await clickTabs("tensors"), samples: await clickTabs("samples") };
found.overflow = { 1200: await overflow() };
await page.emulateMedia({ colorScheme: "dark" });
found.dark = await background();
await page.setViewportSize({ width: 360, height: 740 });
found.overflow[360] = await overflow();
found.complaints = [...view.problems, ...(await page.evaluate(() => globalThis.__cspViolations))];
await browser.close();
process.stdout.write(JSON.stringify(found));
