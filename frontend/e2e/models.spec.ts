// The models page against a hub on loopback that can be told to misbehave.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import type { Connection, Job, Model } from '../src/lib/api/types';
import { accessible, expect, Qwill, test as base } from './qwill';

const here = dirname(fileURLToPath(import.meta.url));
const TITLE = 'Qwen3 0.6B, 4 bit';
const LARGE = 'test/Large';

interface Fault {
  kind: string;
  path?: string;
  at?: number;
  times?: number;
}

class Hub {
  #process: ChildProcess | undefined;
  url = '';

  async start(): Promise<void> {
    const command = process.env['QWILL_TEST_HUB'];
    const child = command
      ? spawn(command, { stdio: ['pipe', 'pipe', 'inherit'] })
      : spawn('bash', ['-c', '. build/env.sh && exec go run ./app/fetch/hubtest/hub'], {
          cwd: join(here, '..', '..'),
          stdio: ['pipe', 'pipe', 'inherit'],
        });
    this.#process = child;
    this.url = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (d: Buffer) => resolve((JSON.parse(d.toString()) as { url: string }).url));
      child.once('exit', (code) => reject(new Error(`the hub ended with ${code}`)));
    });
  }

  async arm(...faults: Fault[]): Promise<void> {
    await fetch(`${this.url}/_control`, { method: 'POST', body: JSON.stringify(faults) });
  }

  async fired(kind: string): Promise<number> {
    const { fired } = (await (await fetch(`${this.url}/_control`)).json()) as { fired: Record<string, number> };
    return fired[kind] ?? 0;
  }

  stop(): void {
    this.#process?.stdin?.end();
  }
}

const test = base.extend<{ models: Page }, { hub: Hub }>({
  hub: [
    async ({}, use) => {
      const hub = new Hub();
      await hub.start();
      await use(hub);
      hub.stop();
    },
    { scope: 'worker', timeout: 240_000 },
  ],
  qwill: [
    async ({ hub }, use) => {
      const qwill = new Qwill(false, {
        env: { HF_ENDPOINT: hub.url, MODELSCOPE_ENDPOINT: hub.url, HF_TOKEN: 'hf_secret', no_proxy: '*' },
      });
      await qwill.start();
      await use(qwill);
      await qwill.stop();
      qwill.clean();
    },
    { scope: 'worker', timeout: 240_000 },
  ],
  models: async ({ app, hub, qwill }, use) => {
    await hub.arm();
    await app.getByRole('link', { name: /^(Models|模型)$/ }).click();
    await expect(app.getByRole('heading', { level: 1, name: /^(Models|模型)$/ })).toBeVisible();
    await use(app);
    await hub.arm();
    await qwill.call('PUT', '/settings', { offline: false, model: '' });
    for (const job of (await qwill.get('/jobs')) as Job[])
      if (job.state !== 'done') await qwill.call('DELETE', `/jobs/${job.id}`, undefined);
    for (const model of (await qwill.get('/models')) as Model[])
      if (!model.starter) await qwill.call('DELETE', `/models/${model.name}`, undefined);
  },
});

const region = (page: Page, name: string) => page.getByRole('region', { name });
const entry = (page: Page, title = TITLE) =>
  region(page, 'Official Qwen3 models').getByRole('listitem', { name: title, exact: true });

test('a model is downloaded, verified, used and removed from the keyboard', async ({ models, qwill }) => {
  await qwill.call('PUT', '/settings', { model: 'starter' });
  const button = models.getByRole('button', { name: `Download 333 MB: ${TITLE}` });
  await button.focus();
  await models.keyboard.press('Enter');
  const installed = region(models, 'Installed').getByRole('listitem', { name: TITLE });
  await expect(installed).toBeVisible();
  await expect(entry(models).getByRole('progressbar')).toHaveCount(0);

  await installed.getByRole('button', { name: `Verify: ${TITLE}` }).press('Enter');
  await expect(installed.getByText('Every file is what it was.')).toBeVisible();

  await installed.getByRole('button', { name: `Use: ${TITLE}` }).press('Enter');
  await expect(installed.getByText('In use')).toBeVisible();

  await installed.getByRole('button', { name: `Remove: ${TITLE}` }).press('Enter');
  const dialog = models.getByRole('alertdialog');
  await expect(dialog).toContainText('Its files are deleted');
  await dialog.getByRole('button', { name: 'Remove' }).press('Enter');
  await expect(installed).toHaveCount(0);
  await expect(button).toBeVisible();

  const log = (await qwill.get('/connections')) as Connection[];
  expect(log.length).toBeGreaterThan(5);
  for (const c of log) {
    expect(c.url).toMatch(/^http:\/\/(127\.0\.0\.1|localhost):\d+\/[^?]*$/);
    expect(['listing', 'config', 'download']).toContain(c.purpose);
  }
});

test('any repository: progress, pause, resume after a reload, cancel', async ({ models, hub }) => {
  await hub.arm({ kind: 'slow', path: 'model-extra.safetensors', at: 4_000_000, times: 1 });
  const field = models.getByRole('textbox', { name: 'Name or address on Hugging Face or ModelScope' });
  await field.fill(`https://huggingface.co/${LARGE}`);
  await field.press('Enter');
  const bar = models.getByRole('progressbar', { name: LARGE });
  await expect(bar).toHaveAttribute('aria-valuetext', /Downloading, .* of 9(\.1)? MB.*\/s/);
  await expect(
    models
      .locator('#announcements, [aria-live]')
      .getByText(/Downloading/)
      .first(),
  ).toBeAttached();
  await models.getByRole('button', { name: `Pause: ${LARGE}` }).click();
  await expect(bar).toHaveAttribute('aria-valuetext', /^Paused/);
  const at = Number(await bar.getAttribute('aria-valuenow'));

  await models.reload();
  await expect(bar).toHaveAttribute('aria-valuetext', /^Paused/);
  expect(Number(await bar.getAttribute('aria-valuenow'))).toBe(at);
  await hub.arm({ kind: 'slow', path: 'model-extra.safetensors', at: 1_000_000, times: 1 });
  await models.getByRole('button', { name: `Resume: ${LARGE}` }).click();
  await expect(bar).toHaveAttribute('aria-valuetext', /^Downloading/);
  await models.getByRole('button', { name: `Cancel: ${LARGE}` }).click();
  await models.getByRole('alertdialog').getByRole('button', { name: 'Cancel download' }).click();
  await expect(bar).toHaveCount(0);
});

test('a download goes on from the other hub', async ({ models, hub }) => {
  await hub.arm({ kind: 'slow', path: 'model-extra.safetensors', at: 2_000_000, times: 1 });
  await models.getByRole('textbox', { name: 'Name or address on Hugging Face or ModelScope' }).fill(LARGE);
  await models.keyboard.press('Enter');
  const bar = models.getByRole('progressbar', { name: LARGE });
  await expect(bar).toHaveAttribute('aria-valuetext', /^Downloading/);
  await models.getByRole('button', { name: `Pause: ${LARGE}` }).click();
  await models.getByRole('button', { name: `Go on from ModelScope: ${LARGE}` }).click();
  await expect(bar).toHaveCount(0);
  const installed = region(models, 'Installed').getByRole('listitem');
  await expect(installed.filter({ hasText: LARGE })).toBeVisible();
});

test('a fault is shown with what can be done, and the next try goes on', async ({ models, hub }) => {
  await hub.arm({ kind: 'flip', path: 'model.safetensors', at: 100 });
  await models.getByRole('button', { name: `Download 333 MB: ${TITLE}` }).click();
  await expect(entry(models).getByRole('alert')).toContainText('its hash is another one');
  expect(await hub.fired('flip')).toBeGreaterThanOrEqual(2);
  await expect(region(models, 'Installed').getByRole('listitem', { name: TITLE })).toHaveCount(0);
  await hub.arm();
  await models.getByRole('button', { name: `Try again: ${TITLE}` }).click();
  await expect(region(models, 'Installed').getByRole('listitem', { name: TITLE })).toBeVisible();
});

test('a wait that the hub asks for is shown', async ({ models, hub }) => {
  await hub.arm({ kind: '429', at: 2, times: 1 });
  await models.getByRole('button', { name: `Download 333 MB: ${TITLE}` }).click();
  await expect(models.getByRole('progressbar', { name: TITLE })).toHaveAttribute('aria-valuetext', /trying again in/);
  await expect(region(models, 'Installed').getByRole('listitem', { name: TITLE })).toBeVisible();
  expect(await hub.fired('429')).toBe(1);
});

test('what cannot run and what is no repository is refused', async ({ models }) => {
  const field = models.getByRole('textbox', { name: 'Name or address on Hugging Face or ModelScope' });
  await field.fill('nonsense');
  await field.press('Enter');
  await expect(region(models, 'Add another model').getByRole('alert')).toContainText('names no repository');
  await field.fill('Qwen/Qwen3-30B-A3B-MLX-4bit');
  await field.press('Enter');
  await expect(entry(models, 'Qwen3 30B-A3B, 4 bit').getByRole('alert')).toContainText('qwen3_moe');
});

test('the one switch stops a download and is shown', async ({ models, hub, qwill }) => {
  await hub.arm({ kind: 'slow', path: 'model-extra.safetensors', at: 2_000_000, times: 1 });
  await models.getByRole('textbox', { name: 'Name or address on Hugging Face or ModelScope' }).fill(LARGE);
  await models.keyboard.press('Enter');
  const bar = models.getByRole('progressbar', { name: LARGE });
  await expect(bar).toHaveAttribute('aria-valuetext', /^Downloading/);
  await qwill.call('PUT', '/settings', { offline: true });
  await expect(bar).toHaveAttribute('aria-valuetext', /^Paused/);
  await expect(models.getByText('Connections are switched off.').first()).toBeVisible();
  await expect(models.getByRole('button', { name: `Download 333 MB: ${TITLE}` })).toBeDisabled();
  await models.getByRole('button', { name: 'Allow connections' }).click();
  await models.getByRole('button', { name: `Resume: ${LARGE}` }).click();
  await expect(bar).toHaveCount(0);
});

test('the catalogue is searched and filtered', async ({ models }) => {
  const list = region(models, 'Official Qwen3 models').getByRole('listitem');
  await expect(list).toHaveCount(32);
  await expect(list.first()).toContainText('Recommended');
  await models.getByRole('searchbox', { name: 'Search models' }).fill('8b 4bit');
  await expect(list).toHaveCount(1);
  await models.getByRole('searchbox', { name: 'Search models' }).fill('');
  await models.getByLabel('Bits').selectOption('6');
  await expect(list).toHaveCount(8);
  await models.getByLabel('Fits this computer').selectOption('yes');
  await expect(list.filter({ hasText: 'Not supported yet' })).toHaveCount(0);
  await models.getByRole('combobox', { name: 'Size' }).selectOption('235B-A22B');
  await expect(models.getByText('No model matches.')).toBeVisible();
});

test('a folder of this machine is added by its path', async ({ models }) => {
  const form = models.getByRole('form', { name: 'Add folder or GGUF…' });
  await form.getByLabel('Path').fill('/nowhere/My Model.gguf');
  await expect(form.getByLabel('Name')).toHaveValue('My-Model');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form.getByRole('alert')).toContainText('There is no such file or folder.');
});

for (const variant of [
  { name: 'light', scheme: 'light', language: 'en' },
  { name: 'dark', scheme: 'dark', language: 'en' },
  { name: 'zh-light', scheme: 'light', language: 'zh-Hans' },
  { name: 'zh-dark', scheme: 'dark', language: 'zh-Hans' },
] as const) {
  test.describe(variant.name, () => {
    test.use({ colorScheme: variant.scheme, locale: variant.language === 'en' ? 'en-GB' : 'zh-CN' });
    test(`accessible: ${variant.name}`, async ({ models, hub, qwill }) => {
      await hub.arm({ kind: 'slow', path: 'model-extra.safetensors', at: 800_000, times: 1 });
      await qwill.call('POST', '/models/pull', { repo: LARGE });
      await expect(models.getByRole('progressbar', { name: LARGE })).toHaveAttribute('aria-valuenow', /\d/);
      await accessible(models, `models, ${variant.name}`);
      const folder =
        process.env['QWILL_SCREENS'] && (process.env['QWILL_SCREENS_AT'] ?? join(here, '..', '..', 'docs', 'screens'));
      if (!folder) return;
      mkdirSync(folder, { recursive: true });
      await models.screenshot({ path: join(folder, `models-${variant.name}.png`) });
    });
  });
}
