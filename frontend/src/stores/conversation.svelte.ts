import { api, asErrorBody, isAbort } from '../lib/api/client';
import type { ApiErrorBody, Chat, ChatFields, Message, Prefill, Preset, ReplyEvent, Sampling } from '../lib/api/types';
import { backoff } from '../lib/retry';
import { FrameBatch } from '../lib/stream/batch';
import { router } from '../lib/router.svelte';
import { app } from './app.svelte';
import { drafts } from './drafts.svelte';

/** What happens before and between the words of a reply. */
export type Progress =
  { kind: 'none' } | { kind: 'reading'; prefill: Prefill } | { kind: 'loading'; percent: number } | { kind: 'paused' };

const running = (m: Message | undefined) => m?.status === 'writing' || m?.status === 'queued';

/** The chat on the screen: its messages, its running reply and what can be done to it. */
class Conversation {
  id = $state<string | null>(null);
  title = $state('');
  messages = $state<Message[]>([]);
  context = $state.raw({ used: 0, limit: 0 });
  progress = $state.raw<Progress>({ kind: 'none' });
  opening = $state(false);
  /** Lives in memory only. */
  temporary = $state(false);
  /** An action that the backend has not answered yet. */
  busy = $state(false);
  /** Why the chat could not be opened. */
  failure = $state.raw<ApiErrorBody | null>(null);
  /** The chat's own choices; what a new chat does not say comes from the settings. */
  fields = $state.raw<ChatFields>({});

  readonly last = $derived(this.messages.at(-1));
  readonly replying = $derived(running(this.last));
  /** The reply's place in the queue, from 1; undefined when it does not wait. */
  readonly place = $derived(app.chats.find((c) => c.id === this.id)?.waiting);
  // An imported chat names no model until it is gone on with.
  readonly modelName = $derived(this.fields.model || (app.model?.name ?? app.settings.model));
  readonly model = $derived(app.modelNamed(this.modelName));
  readonly thinking = $derived(this.fields.thinking ?? app.settings.thinking);
  readonly systemPrompt = $derived(this.fields.system_prompt ?? app.settings.system_prompt);
  readonly sampling = $derived<Sampling>(this.fields.sampling ?? app.settings.sampling);

  #follow: AbortController | null = null;
  /** Changes that the backend has not answered yet. */
  #changes = 0;
  #changing = Promise.resolve();
  #text = '';
  #reasoning = '';
  #thinkingSince = 0;
  #batch = new FrameBatch(() => this.#flush());

  constructor() {
    app.onChat((id, kind) => {
      if (id !== this.id) return;
      if (kind === 'deleted') this.reset();
      else if (!this.busy) void this.#reload();
    });
  }

  /** Shows a chat, or an empty new one for null. */
  async open(id: string | null): Promise<void> {
    if (!id) void drafts.loadNew();
    if (id === this.id && !this.failure) return;
    this.#leave();
    this.id = id;
    if (!id) return;
    this.opening = true;
    try {
      const chat = await api.chat(id);
      if (this.id !== id) return;
      this.#show(chat);
      drafts.take(id, chat.draft ?? '', chat.temporary);
      if (running(this.last)) this.#watch();
    } catch (thrown) {
      if (this.id === id) this.failure = asErrorBody(thrown);
    } finally {
      if (this.id === id) this.opening = false;
    }
  }

  /** Leaves a chat that no longer exists. */
  reset(): void {
    this.#leave();
    this.id = null;
    if (router.route.name === 'chat') router.replace({ name: 'chat', id: null });
  }

  /** Sends a message; false when it was not accepted. */
  async send(content: string): Promise<boolean> {
    return this.#act(async () => {
      if (!this.id) {
        const chat = await api.createChat(this.fields);
        this.id = chat.id;
        this.#show(chat);
        router.replace({ name: 'chat', id: chat.id });
      }
      const { user, reply } = await api.send(this.id, content);
      this.messages.push(user, reply);
    });
  }

  async edit(message: Message, content: string): Promise<boolean> {
    return this.#act(async () => {
      this.#unfollow();
      const { user, reply } = await api.edit(this.id!, message.id, content);
      const at = this.messages.findIndex((m) => m.id === message.id);
      if (at >= 0) this.messages.splice(at, Infinity, user, reply);
    });
  }

  /** A new reply beside this one, by another model if one is named; the earlier one stays a branch. */
  async regenerate(message: Message, model?: string): Promise<boolean> {
    return this.#act(async () => {
      this.#unfollow();
      const { reply } = await api.regenerate(this.id!, message.id, model);
      const at = this.messages.findIndex((m) => m.id === message.id);
      if (at >= 0) this.messages.splice(at, Infinity, reply);
    });
  }

  /** Goes on writing the last reply where it ended. */
  async goOn(): Promise<boolean> {
    return this.#act(async () => {
      const { reply } = await api.continueReply(this.id!);
      this.#put(reply);
    });
  }

  /** Shows the branch that goes through a message. */
  async branch(message: string): Promise<boolean> {
    return this.#act(async () => {
      this.#unfollow();
      this.#show(await api.branch(this.id!, message));
    });
  }

  /** Removes a message and all that follows it. */
  async remove(message: Message): Promise<boolean> {
    return this.#act(async () => {
      this.#unfollow();
      this.#show(await api.removeMessage(this.id!, message.id));
    });
  }

  /** Goes on in a new chat that has the messages up to this one. */
  async fork(message: Message): Promise<boolean> {
    let made = '';
    const done = await this.#act(async () => {
      made = (await api.fork(this.id!, message.id)).id;
    });
    if (made) router.go({ name: 'chat', id: made });
    return done;
  }

  /** Takes over what a preset says. */
  async usePreset(preset: Preset): Promise<void> {
    const { system_prompt, sampling, thinking, model } = preset;
    if (this.id) await this.change({ preset: preset.id });
    else this.fields = { ...this.fields, system_prompt, sampling, thinking, ...(model ? { model } : {}) };
  }

  async stop(): Promise<void> {
    const id = this.id;
    if (id) await app.attempt(() => api.stop(id));
  }

  /** Changes the chat's title, model, prompt, sampling or thinking; one after the other, the last one's word counts. */
  async change(fields: ChatFields): Promise<void> {
    const { preset, ...own } = fields;
    this.fields = { ...this.fields, ...own };
    if (fields.title !== undefined) this.title = fields.title;
    const id = this.id;
    if (!id) return;
    this.#changes++;
    this.#changing = this.#changing.then(async () => {
      const chat = await app.attempt(() => api.changeChat(id, fields));
      this.#changes--;
      if (this.id !== id || this.#changes) return;
      if (chat) this.#showFields(chat);
      else await this.#reload();
    });
    await this.#changing;
    app.refreshChats();
  }

  async #act(action: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    const done = await app.attempt(async () => {
      await action();
      return true;
    });
    this.busy = false;
    if (running(this.last)) this.#watch();
    return done ?? false;
  }

  #leave(): void {
    this.#unfollow();
    this.messages = [];
    this.title = '';
    this.temporary = false;
    this.fields = {};
    this.context = { used: 0, limit: 0 };
    this.failure = null;
    this.opening = false;
  }

  #show(chat: Chat): void {
    this.#showFields(chat);
    this.messages = chat.messages ?? [];
  }

  #showFields(chat: Chat): void {
    this.title = chat.title;
    this.temporary = chat.temporary ?? false;
    this.context = chat.context ?? { used: 0, limit: 0 };
    const { model, system_prompt, sampling, thinking } = chat;
    this.fields = { model, system_prompt, sampling: sampling ?? {}, thinking };
  }

  /** Takes in what changed elsewhere, but never pulls the text from under a running reply. */
  async #reload(): Promise<void> {
    const id = this.id;
    if (!id) return;
    try {
      const chat = await api.chat(id);
      if (this.id !== id || this.busy) return;
      if (this.#changes === 0) this.#showFields(chat);
      if (this.#follow) return;
      const same =
        chat.messages.length === this.messages.length &&
        chat.messages.every((m, i) => m.id === this.messages[i]?.id && m.status === this.messages[i]?.status);
      if (!same) this.messages = chat.messages;
      if (running(this.last)) this.#watch();
    } catch {
      // The event stream notices a lost connection; a deleted chat has its own event.
    }
  }

  #unfollow(): void {
    this.#follow?.abort();
    this.#follow = null;
    this.#batch.cancel();
    this.#text = this.#reasoning = '';
    this.#thinkingSince = 0;
    this.progress = { kind: 'none' };
  }

  /** Follows the running reply to its end, through lost connections. */
  #watch(): void {
    this.#unfollow();
    const id = this.id!;
    const control = (this.#follow = new AbortController());
    void (async () => {
      for (let attempt = 0; !control.signal.aborted; attempt++) {
        try {
          let ended = false;
          for await (const event of api.reply(id, control.signal)) {
            if (control.signal.aborted) return;
            attempt = 0;
            this.#apply(event);
            ended = event.event === 'done';
          }
          if (ended) break;
        } catch (thrown) {
          if (isAbort(thrown) || control.signal.aborted) return;
          if (asErrorBody(thrown).code === 'not_found') break;
        }
        await backoff(attempt, control.signal);
      }
      if (this.#follow !== control) return;
      this.#unfollow();
      void this.#reload(); // the context's size, the title
    })();
  }

  #apply(event: ReplyEvent): void {
    switch (event.event) {
      case 'snapshot':
      case 'done':
        this.#batch.cancel();
        this.#text = this.#reasoning = '';
        this.progress = { kind: 'none' };
        if (event.data) this.#put(event.data);
        break;
      case 'prefill':
        this.progress = { kind: 'reading', prefill: event.data };
        break;
      case 'loading':
        this.progress = { kind: 'loading', percent: event.data.percent };
        break;
      case 'paused':
        this.progress = { kind: 'paused' };
        break;
      case 'resumed':
        this.progress = { kind: 'none' };
        break;
      case 'delta':
        if (this.progress.kind !== 'none') this.progress = { kind: 'none' };
        this.#text += event.data.text ?? '';
        this.#reasoning += event.data.reasoning ?? '';
        this.#batch.request();
        break;
    }
  }

  #put(message: Message): void {
    const at = this.messages.findIndex((m) => m.id === message.id);
    if (at >= 0) this.messages[at] = message;
    else this.messages.push(message);
  }

  #flush(): void {
    const reply = this.messages.at(-1);
    if (!reply || reply.role !== 'assistant') return;
    if (reply.status === 'queued') reply.status = 'writing';
    if (this.#reasoning) {
      if (!reply.reasoning) this.#thinkingSince = performance.now();
      reply.reasoning += this.#reasoning;
    }
    // Until the reply ends, the page's own clock says how long the thinking took.
    if (this.#text && !reply.content && this.#thinkingSince && !reply.reasoning_ms) {
      reply.reasoning_ms = performance.now() - this.#thinkingSince;
    }
    if (this.#text) reply.content += this.#text;
    this.#text = this.#reasoning = '';
  }
}

export const conversation = new Conversation();
