import { i18n } from '../i18n/index.svelte';
import { api, asErrorBody, isAbort } from '../lib/api/client';
import type {
  ApiErrorBody,
  Command,
  Door,
  Draft,
  Fault,
  Prefill,
  Segment,
  WriteDone,
  WriteRequest,
} from '../lib/api/types';
import { FrameBatch } from '../lib/stream/batch';
import { app } from './app.svelte';

export type WriteProgress =
  { kind: 'none' } | { kind: 'reading'; prefill: Prefill } | { kind: 'loading'; percent: number };

/** A styled original and the plain text of it. */
export interface Styled {
  format: 'html';
  source: string;
  text: string;
}

export type Phase = 'idle' | 'running' | 'done' | 'stopped' | 'failed';

const OPTIONS_KEY = 'qwill.options';

function readOptions(): Record<string, Record<string, string>> {
  try {
    return (JSON.parse(localStorage.getItem(OPTIONS_KEY) ?? '{}') as Record<string, Record<string, string>>) ?? {};
  } catch {
    return {};
  }
}

/** The options of a command as they were last chosen, else its defaults; a language's is the page's own. */
export function optionsOf(command: Command): Record<string, string> {
  const last = readOptions()[command.id] ?? {};
  return Object.fromEntries(
    (command.options ?? []).map((o) => [
      o.name,
      // A text option starts empty each time: what was said about one text seldom fits the next.
      (o.kind === 'language' ? last[o.name] : '') || o.default || (o.kind === 'language' ? i18n.locale : ''),
    ]),
  );
}

export function rememberOptions(command: Command, options: Record<string, string>): void {
  try {
    localStorage.setItem(OPTIONS_KEY, JSON.stringify({ ...readOptions(), [command.id]: options }));
  } catch {
    // Without storage the defaults are offered again.
  }
}

/** One run of a command on a text. */
export class WriteSession {
  phase = $state<Phase>('idle');
  request = $state.raw<WriteRequest | null>(null);
  text = $state('');
  progress = $state.raw<WriteProgress>({ kind: 'none' });
  result = $state.raw<WriteDone | null>(null);
  error = $state.raw<ApiErrorBody | null>(null);
  /** Why a second try is under way, or was made. */
  retrying = $state.raw<Fault[]>([]);

  /** Which part of a long text is being written. */
  section = $state.raw<{ index: number; count: number } | null>(null);
  /** The text when that part began. */
  #before = '';

  /** The text with the edits so far, while these are found. */
  preview = $state.raw<Segment[]>([]);
  #previewBefore: Segment[] = [];

  /** The drafts so far. */
  drafts = $state.raw<Draft[]>([]);

  /** The styled original of the text, where it has one. */
  styled = $state.raw<Styled | null>(null);

  #control: AbortController | null = null;
  #pending = '';
  #batch = new FrameBatch(() => this.#flush());

  constructor(readonly door: Door) {}

  async run(request: Omit<WriteRequest, 'door'>): Promise<void> {
    this.reset();
    const command = app.commands.find((c) => c.id === request.command);
    const full: WriteRequest = { ...request, door: this.door };
    delete full.drafts;
    // Who says what to reply wants that one reply.
    if (command?.drafts && !request.options?.intent?.trim()) full.drafts = true;
    const control = (this.#control = new AbortController());
    this.request = full;
    this.phase = 'running';
    try {
      for await (const event of api.write(full, control.signal)) {
        if (control.signal.aborted) return;
        switch (event.event) {
          case 'prefill':
            this.progress = { kind: 'reading', prefill: event.data };
            break;
          case 'loading':
            this.progress = { kind: 'loading', percent: event.data.percent };
            break;
          case 'edits':
            this.preview = [...this.#previewBefore, ...event.data.diff];
            break;
          case 'drafts':
            this.drafts = event.data.drafts;
            break;
          case 'delta':
            this.#pending += event.data.text;
            this.#batch.request();
            break;
          case 'section':
            this.#batch.now();
            this.#before = this.text;
            this.#previewBefore = this.preview;
            this.section = event.data;
            break;
          case 'again':
            this.#batch.cancel();
            this.#pending = '';
            this.text = this.#before;
            this.preview = this.#previewBefore;
            this.drafts = [];
            this.retrying = event.data.faults;
            break;
          case 'done':
            this.#batch.cancel();
            this.#pending = '';
            this.text = event.data.text;
            this.result = event.data;
            this.drafts = event.data.drafts ?? [];
            this.preview = [];
            this.phase = 'done';
            return;
          case 'error':
            this.#fail(event.data);
            return;
        }
      }
      if (this.phase === 'running') this.#fail({ code: 'offline', message: '' });
    } catch (thrown) {
      if (isAbort(thrown) || control.signal.aborted) return;
      this.#fail(asErrorBody(thrown));
    }
  }

  /** Runs the last request again, with other options where given. */
  again(options?: Record<string, string>): void {
    if (!this.request) return;
    const { door: _, ...request } = this.request;
    void this.run(options ? { ...request, options } : request);
  }

  /** Ends the run; what was written so far stays in sight. */
  stop(): void {
    if (this.phase !== 'running') return;
    this.#control?.abort();
    this.#batch.now();
    this.phase = 'stopped';
  }

  reset(): void {
    this.#control?.abort();
    this.#control = null;
    this.#batch.cancel();
    this.#pending = '';
    this.phase = 'idle';
    this.request = null;
    this.text = '';
    this.progress = { kind: 'none' };
    this.result = null;
    this.error = null;
    this.retrying = [];
    this.section = null;
    this.#before = '';
    this.preview = this.#previewBefore = [];
    this.drafts = [];
  }

  #fail(error: ApiErrorBody): void {
    this.#batch.now();
    this.error = error;
    this.phase = 'failed';
  }

  #flush(): void {
    this.progress = { kind: 'none' };
    this.text += this.#pending;
    this.#pending = '';
  }
}
