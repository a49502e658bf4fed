// A fake backend for working on the page alone (npm run dev:fake). It answers
// with canned words and is no part of the product.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const port = Number(process.env.PORT ?? 8117);
const root = new URL('../dist/', import.meta.url).pathname;
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const now = (days = 0) => new Date(Date.now() - days * 86400e3).toISOString();

const models = [
  { name: 'starter', title: 'SmolLM2 135M, 4 bit', path: '/models/starter', architecture: 'llama', quantization: '4 bit', bytes: 96_000_000, context: 2048, can_think: false, starter: true, missing: false },
  { name: 'qwen3-8b', title: 'Qwen3 8B, 4 bit', path: '/models/qwen3-8b', architecture: 'qwen3', quantization: '4 bit', bytes: 4_600_000_000, context: 40960, can_think: true, starter: false, missing: false },
];
const commands = ['rewrite', 'proofread', 'friendly', 'professional', 'concise', 'summarize', 'keypoints', 'translate', 'reply'].map((id, i) => ({
  id: id === 'keypoints' ? 'key-points' : id, key: String(i + 1), title: id[0].toUpperCase() + id.slice(1), shape: i < 5 ? 'diff' : 'text',
  ...(id === 'translate' ? { options: [{ name: 'language', title: 'To', kind: 'language' }] } : {}),
}));
let settings = { model: 'qwen3-8b', mode: 'fast', language: 'system', theme: 'system', system_prompt: '', thinking: true, sampling: {}, reduce_motion: false };
const engine = { state: 'ready', model: 'qwen3-8b', device: 'CPU', kernels: 'AVX2' };
const stats = { finish: 'stop', prompt_tokens: 3400, cached_tokens: 3162, completion_tokens: 182, reasoning_tokens: 90, ttft_ms: 412, prefill_tokens_per_second: 310, decode_tokens_per_second: 23.4, mode: 'fast', seed: '1' };
const ANSWER = `A letter of resignation should be **short and kind**. Three things belong in it:

1. That you are leaving, and when.
2. One sentence of thanks that you mean.
3. An offer to hand over your work.

| Part | Length |
|---|---:|
| Opening | 1 sentence |
| Thanks | 1–2 sentences |

\`\`\`go
// Greet writes the opening line.
func Greet(name string) string {
	return fmt.Sprintf("Dear %s,", name)
}
\`\`\`

> Keep the reason out of it, unless you want to talk about it.
`;
const THOUGHT = 'The person wants a short letter. I should give structure first, then a sample. Keep it kind.';
let n = 0;
const id = () => `id${++n}`;
const chats = new Map();
const add = (title, days, extra = []) => {
  const c = { id: id(), title, updated: now(days), created: now(days), model: 'qwen3-8b', replying: false, system_prompt: '', sampling: {}, thinking: true, messages: extra, context: { used: 1240, limit: 40960 } };
  chats.set(c.id, c);
  return c;
};
const user = (content) => ({ id: id(), role: 'user', content, reasoning: '', status: 'done', created: now() });
const bot = (content, more = {}) => ({ id: id(), role: 'assistant', content, reasoning: '', status: 'done', created: now(), model: 'qwen3-8b', stats, ...more });
add('How to write a letter of resignation', 0, [user('How do I write a letter of resignation?\nIt should be kind.'), bot(ANSWER, { reasoning: THOUGHT, reasoning_ms: 12300 })]);
add('Notes from the garden', 0, [user('Hi'), bot('The answer that was', { status: 'interrupted' })]);
add('问一下周末去哪里', 1, [user('周末去哪里好？'), bot('可以去**植物园**，现在菊花开得正好。')]);
add('A long title that will certainly not fit into the width of the sidebar at all', 3, [user('x'), bot('', { status: 'failed', error: { code: 'engine_crashed', message: 'The engine stopped unexpectedly.', hint: 'Try again.' } })]);
add('Old thoughts', 45, [user('x'), bot('y', { status: 'stopped' })]);

const streams = new Map(); // chat id -> {queue watchers}
const listeners = new Set();
const tell = (event, data) => listeners.forEach((l) => l(event, data));

async function reply(chat, message) {
  const watchers = new Set();
  const state = { watchers, stop: false };
  streams.set(chat.id, state);
  const send = (event, data) => watchers.forEach((w) => w(event, data));
  for (let done = 0; done <= 3400 && !state.stop; done += 340) {
    send('prefill', { cached: 0, done, total: 3400 });
    await sleep(60);
  }
  for (const w of THOUGHT.split(/(?<= )/)) {
    if (state.stop) break;
    message.reasoning += w;
    send('delta', { reasoning: w });
    await sleep(25);
  }
  for (const w of ANSWER.split(/(?<=\s)/)) {
    if (state.stop) break;
    message.content += w;
    send('delta', { text: w });
    await sleep(25);
  }
  Object.assign(message, { status: state.stop ? 'stopped' : 'done', reasoning_ms: 12300, stats });
  chat.replying = false;
  streams.delete(chat.id);
  send('done', message);
  tell('chats', { id: chat.id, kind: 'changed' });
}

const summary = ({ messages, ...c }) => c;
const list = () => [...chats.values()].sort((a, b) => b.updated.localeCompare(a.updated)).map(summary);
const body = async (req) => {
  let s = '';
  for await (const c of req) s += c;
  return s ? JSON.parse(s) : {};
};
const sse = (res) => {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  return (event, data) => res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
};
const TEXT = 'I has went to the the market yesterday, and I buyed three apple.\nThey was very fresh';
const DIFF = [
  ['I ', 'I '], ['has went', 'went', 1], [' to ', ' to '], ['the the', 'the', 2], [' market yesterday, and I ', ' market yesterday, and I '], ['buyed', 'bought', 3], [' three ', ' three '], ['apple', 'apples', 4], ['.\nThey ', '.\nThey '], ['was', 'were', 5], [' very fresh', ' very fresh'], ['', '.', 6],
].map(([o, w, i]) => ({ kind: i ? 'change' : 'same', old: o, new: w, ...(i ? { id: i } : {}) }));

createServer(async (req, res) => {
  const path = req.url.split('?')[0];
  const json = (data, status = 200) => {
    res.writeHead(status, { 'Content-Type': 'application/json' });
    res.end(data === undefined ? '' : JSON.stringify(data));
  };
  const m = /^\/api\/chats\/([^/]+)(?:\/(\w+))?(?:\/([^/]+))?$/.exec(path);
  if (path === '/api/state') return json({ version: '0.1.0', platform: 'linux', native: false, models, commands, settings, engine, chats: list(), notices: [] });
  if (path === '/api/events') {
    const send = sse(res);
    res.write(':\n\n');
    listeners.add(send);
    return req.on('close', () => listeners.delete(send));
  }
  if (path === '/api/settings') {
    settings = { ...settings, ...(await body(req)) };
    return json(settings);
  }
  if (path === '/api/window') return json(undefined, 204);
  if (path === '/api/models') return json(models);
  if (path === '/api/chats' && req.method === 'GET') return json(list());
  if (path === '/api/chats') {
    const c = Object.assign(add('', 0), await body(req));
    return json(c, 201);
  }
  if (m) {
    const chat = chats.get(m[1]);
    if (!chat) return json({ error: { code: 'not_found', message: 'There is no such chat.' } }, 404);
    const start = (message) => {
      chat.messages.push(message);
      chat.replying = true;
      chat.updated = now();
      void reply(chat, message);
    };
    if (!m[2]) {
      if (req.method === 'DELETE') return chats.delete(m[1]), json(undefined, 204);
      if (req.method === 'PATCH') Object.assign(chat, await body(req));
      return json(chat);
    }
    if (m[2] === 'messages') {
      const { content } = await body(req);
      if (m[3]) chat.messages.splice(chat.messages.findIndex((x) => x.id === m[3]));
      const u = user(content);
      chat.messages.push(u);
      chat.title ||= content.slice(0, 40);
      const r = bot('', { status: 'writing', stats: undefined });
      start(r);
      tell('chats', { id: chat.id, kind: 'changed' });
      return json({ user: u, reply: r }, 202);
    }
    if (m[2] === 'regenerate') {
      if (chat.messages.at(-1).role === 'assistant') chat.messages.pop();
      const r = bot('', { status: 'writing', stats: undefined });
      start(r);
      return json({ reply: r }, 202);
    }
    if (m[2] === 'stop') {
      const s = streams.get(chat.id);
      if (s) s.stop = true;
      return json(undefined, 204);
    }
    if (m[2] === 'stream') {
      const send = sse(res);
      const s = streams.get(chat.id);
      if (chat.messages.length) send('snapshot', chat.messages.at(-1));
      if (!s) return send('done', chat.messages.at(-1)), res.end();
      const w = (e, d) => {
        send(e, d);
        if (e === 'done') res.end();
      };
      s.watchers.add(w);
      return req.on('close', () => s.watchers.delete(w));
    }
  }
  if (path === '/api/write') {
    const r = await body(req);
    const send = sse(res);
    const shape = commands.find((c) => c.id === r.command)?.shape ?? 'text';
    const text = shape === 'diff' ? DIFF.map((d) => d.new).join('') : ANSWER;
    for (let done = 0; done <= 200; done += 50) {
      send('prefill', { cached: 0, done, total: 200 });
      await sleep(50);
    }
    for (const w of text.split(/(?<=\s)/)) {
      if (res.destroyed) return;
      send('delta', { text: w });
      await sleep(20);
    }
    send('done', { text, original: shape === 'diff' ? TEXT : r.text, shape, diff: shape === 'diff' ? DIFF : null, stats });
    return res.end();
  }
  if (path === '/api/write/continue') {
    const { question, answer } = await body(req);
    return json(add(question.slice(0, 40), 0, [user(question), bot(answer)]), 201);
  }
  try {
    const file = join(root, normalize(path === '/' ? '/index.html' : path));
    const type = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }[extname(file)] ?? 'application/octet-stream';
    const data = await readFile(file);
    res.writeHead(200, { 'Content-Type': type });
    res.end(data);
  } catch {
    res.writeHead(404).end();
  }
}).listen(port, '127.0.0.1', () => console.log(`fake backend on http://127.0.0.1:${port}`));
