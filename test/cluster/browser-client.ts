/** `fetch` of a page in Debian's Chromium, several at a time. The page is the application's, through the proxy. */
import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";
import type { OrdinaryClient } from "./ordinary-client.ts";

const CHROMIUM = "/usr/bin/chromium";
/** It speaks to nobody but the page's server. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `null` if it is there. */
export const whyNoBrowser = (): string | null => (existsSync(CHROMIUM) ? null : `no ${CHROMIUM}`);

/** What the page keeps. */
interface PageState {
  readonly done: number;
  readonly failures: readonly string[];
  readonly acknowledged: readonly string[];
}

export class BrowserClient implements OrdinaryClient {
  readonly #browser: Browser;
  readonly #page: Page;
  #state: PageState = { done: 0, failures: [], acknowledged: [] };

  static async open(url: string, name: string): Promise<BrowserClient> {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    const page = await browser.newPage();
    await page.goto(`${url}/page`);
    await page.evaluate(`start(${JSON.stringify(name)})`);
    return new BrowserClient(browser, page);
  }

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  get done(): number {
    return this.#state.done;
  }

  get failures(): readonly string[] {
    return this.#state.failures;
  }

  get acknowledged(): ReadonlySet<string> {
    return new Set(this.#state.acknowledged);
  }

  /** Looks at what the page has done so far. */
  async look(): Promise<void> {
    this.#state = await this.#page.evaluate<PageState>("state");
  }

  async stop(): Promise<void> {
    await this.#page.evaluate("stop()");
    await this.look();
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
