// The states that a person may meet, made for real: an engine that dies or will
// not start, a full disk, a database that was damaged, a folder that was moved.
// Each says what failed and what is safe, offers what to do, and goes when its
// cause goes.
import type { Browser } from '@playwright/test';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Chat } from '../src/lib/api/types';
import { Pair } from './look';
import { expect, finished, LONG, ownMounts, Qwill, send, test, written } from './qwill';

const composer = '[data-composer]';

/** Runs a test on both pages of a Qwill. */
async function withPair(browser: Browser, qwill: Qwill, run: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await Pair.open(browser, qwill);
  try {
    await pair.both((page) => expect(page.locator(composer)).toBeVisible());
    await run(pair);
  } finally {
    await pair.close();
  }
}

/** The engine's process, once there is one. */
async function engine(qwill: Qwill): Promise<number> {
  await expect.poll(() => qwill.enginePid() ?? 0).toBeGreaterThan(0);
  return qwill.enginePid()!;
}

test('empty, and a model that loads', async ({ browser, qwill }) => {
  await withPair(browser, qwill, async (pair) => {
    await pair.look('empty');
    const old = qwill.enginePid();
    if (old) process.kill(old, 'SIGKILL');
    const { id } = (await qwill.call('POST', '/chats', {})) as Chat;
    await pair.both((page) => page.evaluate((c) => (location.hash = `#/c/${c}`), id));
    await pair.both((page) => expect(page.locator(composer)).toBeEnabled());
    // It comes back by itself, without a model; stopped before it is asked for one, it loads as long as we look.
    await expect.poll(() => qwill.enginePid() ?? old).not.toBe(old);
    const pid = await engine(qwill);
    process.kill(pid, 'SIGSTOP');
    await pair.en.locator(composer).fill('Hello');
    await pair.en.locator(composer).press('Enter');
    try {
      await expect(pair.en.getByText(/^(Starting…|Loading the model)/).first()).toBeVisible();
      await expect(pair.zh.getByText(/^(正在开始…|正在载入模型)/).first()).toBeVisible();
      await pair.look('loading');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await finished(pair.en);
  });
});

test('a queue', async ({ browser, qwill }) => {
  await withPair(browser, qwill, async (pair) => {
    await send(pair.en, LONG);
    await written(pair.en, 10);
    const second = (await qwill.call('POST', '/chats', {})) as Chat;
    await qwill.call('POST', `/chats/${second.id}/messages`, { content: LONG });
    await pair.both((page) => page.evaluate((c) => (location.hash = `#/c/${c}`), second.id));
    await expect(pair.en.locator('article .waiting')).toHaveText(/in line|Waiting/);
    await expect(pair.zh.locator('article .waiting')).toHaveText(/排|等待/);
    await pair.look('queue');
    const { chats } = (await qwill.get('/state')) as { chats: { id: string }[] };
    for (const { id } of chats) await qwill.call('POST', `/chats/${id}/stop`, undefined);
    await finished(pair.en);
  });
});

test('an engine that is killed restarts by itself', async ({ browser, qwill }) => {
  await withPair(browser, qwill, async (pair) => {
    await send(pair.en, LONG);
    await written(pair.en, 20);
    const url = pair.en.url();
    await pair.zh.evaluate((hash) => (location.hash = hash), new URL(url).hash);
    process.kill(await engine(qwill), 'SIGKILL');
    await finished(pair.en);
    await expect(pair.zh.getByRole('button', { name: /继续|重新回答/ }).last()).toBeVisible();
    await pair.look('engine-killed');
    await send(pair.en, 'Hi');
    await written(pair.en, 1);
    await pair.en.keyboard.press('Escape');
    await finished(pair.en);
  });
});

test('a folder that was moved, no model, and Qwill gone', async ({ browser }) => {
  const qwill = new Qwill(false, { env: { QWILL_TOKEN: 'a-token-for-this-test-only' } });
  try {
    await qwill.start();
    const models = join(qwill.home, 'models');
    await withPair(browser, qwill, async (pair) => {
      renameSync(models, `${models}-moved`);
      await pair.both((page) => page.reload());
      await expect(pair.en.getByText('This model’s files are gone')).toBeVisible();
      await expect(pair.en.getByRole('button', { name: 'Choose a model' })).toBeVisible();
      await expect(pair.zh.getByText('这个模型的文件不见了')).toBeVisible();
      await pair.look('model-missing');
      renameSync(`${models}-moved`, models);
      await pair.both((page) => page.reload());
      await expect(pair.en.getByText('This model’s files are gone')).toHaveCount(0);

      const { models: list } = (await qwill.get('/state')) as { models: { name: string }[] };
      for (const { name } of list) await qwill.call('DELETE', `/models/${name}`, undefined);
      await expect(pair.en.getByText('No model is installed').first()).toBeVisible();
      await expect(pair.zh.getByText('还没有安装模型').first()).toBeVisible();
      await pair.look('no-model');
      await pair.en.getByRole('button', { name: 'Open Models' }).click();
      await expect(pair.en.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
      await pair.en.goBack();

      await pair.both((page) => page.locator(composer).isEnabled());
      await qwill.stop('SIGKILL');
      await expect(pair.en.getByText('Qwill does not answer').first()).toBeVisible();
      await expect(pair.zh.getByText('Qwill 没有响应').first()).toBeVisible();
      await pair.look('offline');

      // Started again at the same place, the pages find it by themselves. Its
      // database was damaged meanwhile.
      const file = join(qwill.home, 'data', 'qwill.db');
      expect(existsSync(file)).toBe(true);
      for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
      writeFileSync(file, 'x'.repeat(20_000));
      rmSync(join(models, '.starter-removed'), { force: true });
      await qwill.start();
      await expect(pair.en.getByText('Qwill does not answer')).toHaveCount(0, { timeout: 40_000 });
      await pair.both((page) => page.reload());
      await expect(pair.en.getByText(/database was damaged/)).toBeVisible();
      await expect(pair.zh.getByText('对话数据库已损坏')).toBeVisible();
      await pair.look('database-damaged');

      // And now its engine is no program.
      await qwill.stop();
      const broken = join(qwill.home, 'no-engine');
      writeFileSync(
        broken,
        '#!/bin/sh\necho "qwill-engine: libmlx.so: cannot open shared object file" >&2\nexit 127\n',
        {
          mode: 0o755,
        },
      );
      qwill.options.env!['QWILL_ENGINE'] = broken;
      await qwill.start();
      await pair.both((page) => page.reload());

      const typed = 'Words that must not be lost';
      await pair.en.locator(composer).fill(typed);
      await pair.en.locator(composer).press('Enter');
      await expect(pair.en.getByText('The engine is not running')).toBeVisible({ timeout: 40_000 });
      await expect(pair.zh.getByText('引擎没有运行')).toBeVisible();
      await expect(pair.en.getByText(typed).first()).toBeVisible();
      await pair.zh.evaluate((hash) => (location.hash = hash), new URL(pair.en.url()).hash);
      await pair.look('engine-failed');
    });
  } finally {
    await qwill.stop();
    qwill.clean();
  }
});

test('a full disk', async ({ browser }) => {
  test.skip(!ownMounts, 'this machine allows no mounts');
  const qwill = new Qwill(false, { disk: 400 << 20 });
  const full = () => join(qwill.folder, 'full');
  const fill = () => {
    const file = openSync(full(), 'w');
    for (let size = 8 << 20; size >= 1; size = size > 4096 ? Math.floor(size / 16) : 0) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch {
        // Full for pieces of this size.
      }
    }
    closeSync(file);
  };
  try {
    await qwill.start();
    await withPair(browser, qwill, async (pair) => {
      await send(pair.en, 'Hi');
      await finished(pair.en);
      await pair.zh.evaluate((hash) => (location.hash = hash), new URL(pair.en.url()).hash);
      await expect(pair.zh.locator('article[aria-busy="false"]')).toHaveCount(1);
      fill();
      const typed = `Words that must not be lost. ${'They are long. '.repeat(2000)}`;
      await pair.both(async (page) => {
        await page.locator(composer).fill(typed);
        await page.locator(composer).press('Enter');
      });
      await expect(pair.en.getByText('The disk is full.')).toBeVisible();
      await expect(pair.en.getByText(/Nothing that was saved is lost|nothing that was saved is lost/)).toBeVisible();
      await expect(pair.zh.getByText('磁盘已满。')).toBeVisible();
      await expect(pair.en.locator(composer)).toHaveValue(typed);
      await expect(pair.en.locator('article[aria-busy="false"]')).toHaveCount(1);
      await pair.look('disk-full');

      rmSync(full());
      await pair.en.locator(composer).fill('Hi again');
      await pair.en.locator(composer).press('Enter');
      await expect(pair.en.getByText('The disk is full.')).toHaveCount(0);
      await expect(pair.en.locator('article[aria-busy]')).toHaveCount(2);
      await finished(pair.en);
    });
  } finally {
    await qwill.stop();
    qwill.clean();
  }
});

test('a home that may not be written says so instead of starting', () => {
  test.skip(!ownMounts, 'this machine allows no mounts');
  const qwill = new Qwill();
  const binary = process.env['QWILL_BINARY'] ?? join(import.meta.dirname, '..', '..', 'build', 'bin', 'qwill');
  const mount = 'mount -t tmpfs -o ro qwill "$QWILL_HOME" && exec "$@"';
  const ran = spawnSync(
    ownMounts![0]!,
    [...ownMounts!.slice(1), 'sh', '-c', mount, 'sh', binary, 'ui', '--addr', '127.0.0.1:0'],
    { env: { ...process.env, QWILL_HOME: qwill.home, DISPLAY: '' }, encoding: 'utf8', timeout: 20_000 },
  );
  qwill.clean();
  expect(ran.status).toBeGreaterThan(0);
  expect(ran.stderr).toContain(qwill.home);
  expect(ran.stderr).toMatch(/read-only|writable/);
});
