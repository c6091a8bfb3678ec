// SPDX-License-Identifier: Apache-2.0
// A real browser for tests of pages: Debian's chromium, driven by playwright-core.
//
//   const { page, complaints, close } = await openPage(modules, { width: 1200, height: 900 });
//
// `modules` is the folder that has node_modules. `complaints` collects what a user would see in the
// developer tools: errors, warnings, and requests for anything but the pages that a test opens
// itself (allow(url) says which).
import { createRequire } from "node:module";
import { accessSync, constants } from "node:fs";

export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) return named;
  for (const folder of (process.env.PATH ?? "").split(":")) {
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      try {
        accessSync(`${folder}/${name}`, constants.X_OK);
        return `${folder}/${name}`;
      } catch {
        // the next one
      }
    }
  }
  throw new Error("no chromium found; install it (tools/install_deps.sh interop), or set CHROMIUM");
}

export async function openPage(modules, { width, height, allow = () => true, ...context }) {
  const { chromium } = createRequire(`${modules}/`)("playwright-core");
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  const complaints = [];
  const page = await browser.newPage({ viewport: { width, height }, ...context });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!allow(request.url())) complaints.push(`a request for ${request.url()}`);
  });
  return { page, complaints, close: () => browser.close() };
}
