// A real qwill with the starter model in a folder of its own, for the tests.
import { test as base, expect, type Page } from '@playwright/test';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const binary = process.env['QWILL_BINARY'] ?? join(root, 'build', 'bin', 'qwill');
const axe = readFileSync(join(here, '..', 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');

export interface Options {
  /** Added to the environment; the same address and token bring a page back to a Qwill that was started again. */
  env?: Record<string, string>;
  /** Puts the home on a disk of so many bytes, which only this Qwill sees (Linux). */
  disk?: number;
}

/** Starts a program with mounts of its own; undefined where this machine lets nobody have any, such as in a chroot. */
export const ownMounts = [
  ['unshare', '--user', '--map-root-user', '--mount'],
  ['unshare', '--mount'],
].find(([program, ...args]) => spawnSync(program!, [...args, 'true']).status === 0);

export class Qwill {
  #process: ChildProcess | undefined;
  #log = '';
  readonly home = mkdtempSync(join(tmpdir(), 'qwill-e2e-'));
  url = '';

  /** With `firstRun` the page greets a new user; else that is behind us. */
  constructor(
    private readonly firstRun = false,
    readonly options: Options = {},
  ) {}

  get log(): string {
    return this.#log;
  }

  async start(): Promise<void> {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: run make build first`);
    const { env, disk } = this.options;
    const address = this.url ? new URL(this.url).host : '127.0.0.1:0';
    const command = [binary, 'ui', '--addr', address, '--json'];
    if (disk) {
      // A mount that needs no rights and goes with the process.
      const mount = 'mount -t tmpfs -o size="$QWILL_TEST_DISK" qwill "$QWILL_HOME" && exec "$@"';
      command.unshift(...(ownMounts ?? []), 'sh', '-c', mount, 'sh');
    }
    const child = spawn(command[0]!, command.slice(1), {
      env: {
        ...process.env,
        ...env,
        QWILL_HOME: this.home,
        QWILL_TEST_DISK: String(disk),
        DISPLAY: '',
        WAYLAND_DISPLAY: '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stderr!.on('data', (d: Buffer) => (this.#log += d.toString()));
    this.url = await new Promise<string>((resolve, reject) => {
      let out = '';
      const timer = setTimeout(() => reject(new Error(`qwill printed no address in 60 s\n${this.#log}`)), 60_000);
      child.stdout!.on('data', (d: Buffer) => {
        out += d.toString();
        const url = /"url":\s*"([^"]+)"/.exec(out)?.[1];
        if (!url) return;
        clearTimeout(timer);
        resolve(JSON.parse(`"${url}"`) as string);
      });
      child.on('exit', (code) => reject(new Error(`qwill ended with ${code}\n${this.#log}`)));
    });
    await this.ready();
    if (!this.firstRun) await this.call('PUT', '/settings', { first_run_done: true });
  }

  /** Calls the page's API beside the page. */
  async call(method: string, path: string, body: unknown): Promise<unknown> {
    const { origin, searchParams } = new URL(this.url);
    const response = await fetch(`${origin}/api${path}`, {
      method,
      headers: { Authorization: `Bearer ${searchParams.get('token')}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  /** Runs the command line beside the page, in the same home. */
  run(...args: string[]): string {
    const done = spawnSync(binary, args, { env: { ...process.env, QWILL_HOME: this.home }, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`qwill ${args.join(' ')}: ${done.status}\n${done.stderr}`);
    return done.stdout;
  }

  get = (path: string) => this.call('GET', path, undefined);

  /** Waits until the starter is installed. */
  async ready(): Promise<void> {
    const { origin, searchParams } = new URL(this.url);
    const headers = { Authorization: `Bearer ${searchParams.get('token')}` };
    for (const end = Date.now() + 120_000; Date.now() < end; await sleep(200)) {
      const state = (await (await fetch(`${origin}/api/state`, { headers })).json()) as { models: unknown[] };
      if (state.models.length > 0) return;
    }
    throw new Error(`the starter was not installed in 120 s\n${this.#log}`);
  }

  /** Process id of the engine, the child that runs the model. */
  enginePid(): number | undefined {
    const parent = String(this.#process?.pid);
    for (const pid of readdirSync('/proc').filter((p) => /^\d+$/.test(p))) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (ppid === parent && name.startsWith('qwill-engine') && state !== 'Z') return Number(pid);
      } catch {
        // Ended meanwhile.
      }
    }
    return undefined;
  }

  /** The home as this Qwill sees it. */
  get folder(): string {
    return this.options.disk ? `/proc/${this.#process!.pid}/root${this.home}` : this.home;
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(timer);
  }

  clean(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const test = base.extend<{ app: Page }, { qwill: Qwill }>({
  qwill: [
    async ({}, use) => {
      const qwill = new Qwill();
      await qwill.start();
      await use(qwill);
      await qwill.stop();
      qwill.clean();
    },
    { scope: 'worker', timeout: 240_000 },
  ],
  app: async ({ page, qwill }, use) => {
    const problems: string[] = [];
    page.on('pageerror', (e) => problems.push(e.message));
    page.on('console', (m) => {
      if (m.type() === 'error' && /Content Security Policy|svelte/i.test(m.text())) problems.push(m.text());
    });
    await page.goto(qwill.url);
    await expect(page.getByRole('textbox', { name: /^(Message|消息)$/ })).toBeVisible();
    await use(page);
    expect(problems).toEqual([]);
  },
});

export { expect };

/** Sends a message in the chat on the screen. */
export async function send(page: Page, text: string): Promise<void> {
  const field = page.locator('[data-composer]');
  await expect(page.getByRole('button', { name: 'Stop' })).toHaveCount(0);
  await field.fill(text);
  await field.press('Enter');
}

export const answers = (page: Page) => page.locator('article[aria-busy]');
export const lastAnswer = (page: Page) => answers(page).last();
export const lastText = (page: Page) => lastAnswer(page).locator('.prose');

/** Waits until an answer is being written and has this many characters. */
export async function written(page: Page, characters: number): Promise<string> {
  await expect
    .poll(async () => ((await lastText(page).count()) ? (await lastText(page).innerText()).length : 0), {
      timeout: 60_000,
    })
    .toBeGreaterThan(characters);
  return lastText(page).innerText();
}

/** Waits until the answer is written, and painted: its text is parsed beside the page. */
export async function finished(page: Page): Promise<void> {
  await expect(lastAnswer(page)).toHaveAttribute('aria-busy', 'false', { timeout: 90_000 });
  const text = async () => ((await lastText(page).count()) ? lastText(page).innerText() : '');
  await expect(async () => {
    const before = await text();
    await sleep(150);
    expect(await text()).toBe(before);
  }).toPass({ timeout: 20_000 });
}

/** Fails with every rule of axe-core that the page breaks. */
export async function accessible(page: Page, what: string): Promise<void> {
  // Half-run transitions have half a contrast.
  await page.evaluate(() =>
    Promise.all(
      document.getAnimations().map((a) => (a.effect?.getTiming().iterations === Infinity ? a.cancel() : a.finish())),
    ),
  );
  await page.evaluate(axe);
  const broken = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations.map(
      (v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => `${n.html}\n    ${n.failureSummary}`).join('\n  ')}`,
    );
  });
  expect(broken, what).toEqual([]);
}

/** Asks for a long answer, which gives a test time to act. */
export const LONG =
  'Write a very long story about a fox who sails around the world. Describe every day of the journey.';
