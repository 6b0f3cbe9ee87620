// Has Lighthouse judge pages in a browser with a cookie: node judge.mjs CHROMIUM NAME=VALUE URL...
// Prints two lines of JSON for each, on a desktop and on a phone: its address, the scores of 100, and what took points off.
import { launch } from 'chrome-launcher';
import lighthouse, { defaultConfig, desktopConfig } from 'lighthouse';
import puppeteer from 'puppeteer-core';

const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
const [chromium, cookie, ...urls] = process.argv.slice(2);

const chrome = await launch({
  chromePath: chromium || undefined,
  chromeFlags: ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage'],
});
try {
  await enter();
  for (const url of urls) {
    for (const [screen, config] of Object.entries({ desktop: desktopConfig, phone: defaultConfig })) {
      console.log(JSON.stringify({ screen, ...(await judged(url, config)) }));
    }
  }
} finally {
  chrome.kill();
}

// The cookie goes into the browser itself: sent as a header of Lighthouse's it does not reach the page.
async function enter() {
  const [name, value] = cookie.split('=');
  const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${chrome.port}` });
  await browser.setCookie({ name, value, domain: new URL(urls[0]).hostname, path: '/', httpOnly: true, sameSite: 'Lax' });
  await browser.disconnect();
}

async function judged(url, config) {
  const flags = { port: chrome.port, onlyCategories: CATEGORIES, logLevel: 'error', disableStorageReset: true };
  const { lhr } = await lighthouse(url, flags, config);
  if (lhr.runtimeError) {
    throw new Error(`${url}: ${lhr.runtimeError.code} ${lhr.runtimeError.message}`);
  }
  const scores = Object.fromEntries(CATEGORIES.map((name) => [name, Math.round(lhr.categories[name].score * 100)]));
  return { url: lhr.finalDisplayedUrl, scores, against: CATEGORIES.flatMap((name) => lost(lhr, name)) };
}

function lost(lhr, name) {
  return lhr.categories[name].auditRefs
    .filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 1)
    .map(({ id }) => `${name}: ${lhr.audits[id].title} ${lhr.audits[id].displayValue ?? ''}`.trim());
}
