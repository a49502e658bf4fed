import { readEvents } from '../stream/sse';
import type {
  ApiErrorBody,
  AppEvent,
  CatalogueEntry,
  Chat,
  ChatFields,
  ChatSummary,
  Connection,
  CustomCommand,
  Doctor,
  Folder,
  Hotkey,
  Inserted,
  Job,
  Licence,
  Message,
  Model,
  Preset,
  Replacement,
  ReplyEvent,
  SearchHit,
  Segment,
  Settings,
  State,
  SuggestEvent,
  SuggestShown,
  Suggesting,
  VerifyEvent,
  WriteEvent,
  WriteRequest,
  Source,
} from './types';

/** An error that the backend explained, or that the connection caused (`status` 0, code `offline`). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ApiErrorBody,
  ) {
    super(body.message);
    this.name = 'ApiError';
  }
}

/** Anything thrown, as the contract's error object. */
export function asErrorBody(thrown: unknown): ApiErrorBody {
  if (thrown instanceof ApiError) return thrown.body;
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}

export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}

const lost = () => new ApiError(0, { code: 'offline', message: '' });

/** The largest body in bytes that a browser still sends after the page is gone. */
const KEEPALIVE = 60_000;

async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, credentials: 'same-origin' };
  if (signal) init.signal = signal;
  if (body instanceof Blob) {
    init.headers = { 'Content-Type': 'application/octet-stream' };
    // Bytes, not the blob itself: WebKitGTK crashes when the app's own window asks for a blob's body.
    init.body = await body.arrayBuffer();
  } else if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
    if (method === 'PUT' && init.body.length < KEEPALIVE) init.keepalive = true;
  }
  let response: Response;
  try {
    response = await fetch(`/api${path}`, init);
  } catch (thrown) {
    if (isAbort(thrown)) throw thrown;
    throw lost();
  }
  if (!response.ok) throw new ApiError(response.status, await errorOf(response));
  return response;
}

async function errorOf(response: Response): Promise<ApiErrorBody> {
  try {
    const { error } = (await response.json()) as { error?: ApiErrorBody };
    if (error && typeof error.code === 'string') return error;
  } catch {
    // Not JSON: the answer did not come from Qwill's handler.
  }
  return { code: 'internal', message: '', detail: String(response.status) };
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await (await request(method, path, body)).json()) as T;
}

async function nothing(method: string, path: string, body?: unknown): Promise<void> {
  await (await request(method, path, body)).arrayBuffer();
}

async function upload<T>(path: string, file: Blob): Promise<T> {
  return (await (await request('POST', path, file)).json()) as T;
}

/** Streams a request's events. `E` is trusted to be what the contract names for that path. */
async function* events<E>(method: string, path: string, body: unknown, signal: AbortSignal): AsyncGenerator<E> {
  const response = await request(method, path, body, signal);
  if (!response.body) return;
  try {
    for await (const { event, data } of readEvents(response.body)) {
      yield { event, data: JSON.parse(data) as unknown } as E;
    }
  } catch (thrown) {
    throw thrown instanceof TypeError ? lost() : thrown; // how browsers name a connection that broke
  }
}

const chat = (id: string) => `/chats/${encodeURIComponent(id)}`;

const exportPath = (format: 'markdown' | 'json', ids: string[]) =>
  `/chats/export?format=${format}${ids.length ? `&ids=${ids.map(encodeURIComponent).join(',')}` : ''}`;

/** Every call of docs/http-api.md. */
export const api = {
  state: () => json<State>('GET', '/state'),
  events: (signal: AbortSignal) => events<AppEvent>('GET', '/events', undefined, signal),
  saveSettings: (change: Partial<Settings>) => json<Settings>('PUT', '/settings', change),
  window: (action: 'hide' | 'show' | 'prompt' | 'main') => nothing('POST', '/window', { action }),

  chats: () => json<ChatSummary[]>('GET', '/chats'),
  createChat: (fields: ChatFields) => json<Chat>('POST', '/chats', fields),
  chat: (id: string) => json<Chat>('GET', chat(id)),
  changeChat: (id: string, fields: ChatFields) => json<Chat>('PATCH', chat(id), fields),
  deleteChat: (id: string) => nothing('DELETE', chat(id)),
  send: (id: string, content: string) =>
    json<{ user: Message; reply: Message }>('POST', `${chat(id)}/messages`, { content }),
  edit: (id: string, message: string, content: string) =>
    json<{ user: Message; reply: Message }>('PUT', `${chat(id)}/messages/${encodeURIComponent(message)}`, { content }),
  regenerate: (id: string, message?: string, model?: string) =>
    json<{ reply: Message }>('POST', `${chat(id)}/regenerate`, { message, model }),
  continueReply: (id: string) => json<{ reply: Message }>('POST', `${chat(id)}/continue`),
  branch: (id: string, message: string) => json<Chat>('POST', `${chat(id)}/branch`, { message }),
  fork: (id: string, message: string) => json<Chat>('POST', `${chat(id)}/fork`, { message }),
  removeMessage: (id: string, message: string) =>
    json<Chat>('DELETE', `${chat(id)}/messages/${encodeURIComponent(message)}`),
  changeChats: (ids: string[], fields: { folder?: string; pinned?: boolean }) =>
    json<ChatSummary[]>('PATCH', '/chats', { ids, ...fields }),
  deleteChats: (ids: string[]) => nothing('POST', '/chats/delete', { ids }),
  restoreChats: (ids: string[]) => json<ChatSummary[]>('POST', '/chats/restore', { ids }),
  keepDraft: (id: string | null, text: string) => nothing('PUT', id ? `${chat(id)}/draft` : '/draft', { text }),
  newDraft: () => json<{ text: string }>('GET', '/draft'),
  search: (q: string, limit = 50) => json<SearchHit[]>('GET', `/search?q=${encodeURIComponent(q)}&limit=${limit}`),
  /** The exported file, with the name that the backend gives it. */
  exportFile: async (format: 'markdown' | 'json', ids: string[] = []) => {
    const response = await request('GET', exportPath(format, ids));
    const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1] ?? '';
    return { blob: await response.blob(), name };
  },
  /** Writes the export to a path of this machine, which the system's save dialog gave. */
  exportTo: (path: string, format: 'markdown' | 'json', ids: string[] = []) =>
    nothing('POST', '/chats/export', { path, format, ids }),
  importChats: (file: Blob) => upload<{ imported: ChatSummary[]; skipped: ApiErrorBody[] }>('/chats/import', file),

  folders: () => json<Folder[]>('GET', '/folders'),
  createFolder: (name: string) => json<Folder>('POST', '/folders', { name }),
  renameFolder: (id: string, name: string) => json<Folder>('PATCH', `/folders/${encodeURIComponent(id)}`, { name }),
  deleteFolder: (id: string) => nothing('DELETE', `/folders/${encodeURIComponent(id)}`),

  presets: () => json<Preset[]>('GET', '/presets'),
  createPreset: (preset: Omit<Preset, 'id'>) => json<Preset>('POST', '/presets', preset),
  changePreset: (id: string, change: Partial<Omit<Preset, 'id'>>) =>
    json<Preset>('PATCH', `/presets/${encodeURIComponent(id)}`, change),
  deletePreset: (id: string) => nothing('DELETE', `/presets/${encodeURIComponent(id)}`),
  stop: (id: string) => nothing('POST', `${chat(id)}/stop`),
  reply: (id: string, signal: AbortSignal) => events<ReplyEvent>('GET', `${chat(id)}/stream`, undefined, signal),

  customCommands: () => json<CustomCommand[]>('GET', '/commands/custom'),
  addCommand: (command: Omit<CustomCommand, 'id'>) => json<CustomCommand>('POST', '/commands/custom', command),
  changeCommand: (command: CustomCommand) =>
    json<CustomCommand>('PUT', `/commands/custom/${encodeURIComponent(command.id)}`, command),
  removeCommand: (id: string) => nothing('DELETE', `/commands/custom/${encodeURIComponent(id)}`),
  exportCommandsUrl: (ids: string[] = []) =>
    `/api/commands/export${ids.length ? `?ids=${ids.map(encodeURIComponent).join(',')}` : ''}`,
  importCommands: (file: Blob) =>
    upload<{ imported: CustomCommand[]; skipped: ApiErrorBody[] }>('/commands/import', file),

  /** The plain text of a styled document; with changes, the document with the accepted ones made. */
  style: (body: { format: 'html' | 'rtf'; source: string; segments?: Segment[]; accepted?: number[] }) =>
    json<{ text: string; result?: string }>('POST', '/write/style', body),

  write: (body: WriteRequest, signal: AbortSignal) => events<WriteEvent>('POST', '/write', body, signal),
  suggest: (signal: AbortSignal) => events<SuggestShown>('POST', '/suggest', undefined, signal),
  suggestEvents: (id: string, all: SuggestEvent[]) =>
    nothing('POST', `/suggest/${encodeURIComponent(id)}`, { events: all }),
  continueInChat: (question: string, answer: string, model?: string) =>
    json<Chat>('POST', '/write/continue', model ? { question, answer, model } : { question, answer }),

  models: () => json<Model[]>('GET', '/models'),
  importModel: (path: string, name: string) => json<Model>('POST', '/models/import', { path, name }),
  catalogue: () => json<CatalogueEntry[]>('GET', '/catalogue'),
  jobs: () => json<Job[]>('GET', '/jobs'),
  pull: (repo: string, options: { revision?: string; name?: string; source?: Source } = {}) =>
    json<Job>('POST', '/models/pull', { repo, ...options }),
  verifyModel: (name: string, signal: AbortSignal) =>
    events<VerifyEvent>('POST', `/models/${encodeURIComponent(name)}/verify`, undefined, signal),
  pauseJob: (id: string) => json<Job>('POST', `/jobs/${encodeURIComponent(id)}/pause`),
  resumeJob: (id: string) => json<Job>('POST', `/jobs/${encodeURIComponent(id)}/resume`),
  cancelJob: (id: string) => nothing('DELETE', `/jobs/${encodeURIComponent(id)}`),

  connections: () => json<Connection[]>('GET', '/connections'),
  history: () => json<Replacement[]>('GET', '/history'),
  keepReplacement: (entry: Omit<Replacement, 'id' | 'time'>) => json<{ id: string }>('POST', '/history', entry),
  replacement: (id: string) =>
    json<{ replacement: Replacement; diff: Segment[] }>('GET', `/history/${encodeURIComponent(id)}`),
  restoreReplacement: (id: string) => json<Inserted>('POST', `/history/${encodeURIComponent(id)}/restore`),
  eraseReplacement: (id: string) => nothing('DELETE', `/history/${encodeURIComponent(id)}`),
  eraseHistory: () => nothing('DELETE', '/history'),
  erase: (models: boolean, settings = false) =>
    json<{ bytes: number }>('POST', '/erase', { confirm: 'erase', models, settings }),
  doctor: () => json<Doctor>('GET', '/doctor'),
  licences: () => json<Licence[]>('GET', '/licences'),
  suggesting: () => json<Suggesting>('GET', '/suggest/elsewhere'),
  hotkey: () => json<Hotkey>('GET', '/hotkey'),
  /** Puts a text back where the quick prompt's was captured. */
  insert: (target: string, text: string, command = '') => json<Inserted>('POST', '/insert', { target, text, command }),

  removeModel: (name: string) => nothing('DELETE', `/models/${encodeURIComponent(name)}`),
};
