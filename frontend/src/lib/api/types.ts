// The wire types of docs/http-api.md. Times are RFC 3339 strings in UTC.

export interface ApiErrorBody {
  code: string;
  message: string;
  detail?: string;
  hint?: string;
}

export interface Sampling {
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  presence_penalty?: number;
  repetition_penalty?: number;
  seed?: number;
  max_tokens?: number;
}

export type Mode = 'fast' | 'exact';
export type Language = 'system' | 'en' | 'zh-Hans';
export type Theme = 'system' | 'light' | 'dark';

export interface Settings {
  model: string;
  mode: Mode;
  language: Language;
  theme: Theme;
  system_prompt: string;
  thinking: boolean;
  sampling: Sampling;
  reduce_motion: boolean;
}

export interface Model {
  name: string;
  title: string;
  path: string;
  architecture: string;
  quantization: string;
  bytes: number;
  context: number;
  can_think: boolean;
  starter: boolean;
  missing: boolean;
  note?: string;
}

export interface CommandOption {
  name: string;
  title: string;
  kind: 'language' | 'text';
  default?: string;
  required?: boolean;
}

export type Shape = 'diff' | 'text';

export interface Command {
  id: string;
  key: string;
  title: string;
  shape: Shape;
  options?: CommandOption[];
}

export interface EngineState {
  state: 'stopped' | 'starting' | 'ready' | 'loading' | 'restarting' | 'failed';
  model?: string;
  percent?: number;
  message?: string;
  device?: string;
  kernels?: string;
}

export interface ChatSummary {
  id: string;
  title: string;
  updated: string;
  model: string;
  replying: boolean;
}

export interface Stats {
  finish: string;
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
  ttft_ms: number;
  prefill_tokens_per_second: number;
  decode_tokens_per_second: number;
  mode: string;
  seed: string;
}

export type MessageStatus = 'done' | 'writing' | 'queued' | 'stopped' | 'interrupted' | 'failed';

export interface Message {
  id: string;
  role: 'user' | 'assistant';
  content: string;
  reasoning: string;
  status: MessageStatus;
  error?: ApiErrorBody;
  created: string;
  model?: string;
  reasoning_ms?: number;
  stats?: Stats;
}

export interface Chat extends ChatSummary {
  created: string;
  system_prompt: string;
  sampling: Sampling;
  thinking: boolean;
  messages: Message[];
  context: { used: number; limit: number };
}

export interface ChatFields {
  title?: string;
  model?: string;
  system_prompt?: string;
  sampling?: Sampling;
  thinking?: boolean;
}

export interface State {
  version: string;
  platform: 'darwin' | 'linux';
  native: boolean;
  models: Model[];
  commands: Command[];
  settings: Settings;
  engine: EngineState;
  chats: ChatSummary[];
  notices: ApiErrorBody[];
}

export interface Segment {
  kind: 'same' | 'change';
  old: string;
  new: string;
  id?: number;
}

export type Door = 'prompt' | 'chat' | 'services';

export interface WriteRequest {
  command: string;
  text: string;
  instruction?: string;
  options?: Record<string, string>;
  model?: string;
  door?: Door;
}

export interface WriteDone {
  text: string;
  original: string;
  shape: Shape;
  diff: Segment[] | null;
  stats: Stats;
  warning?: string;
}

export interface Prefill {
  cached: number;
  done: number;
  total: number;
}

/** Events of a chat's reply stream. */
export type ReplyEvent =
  | { event: 'snapshot'; data: Message }
  | { event: 'prefill'; data: Prefill }
  | { event: 'loading'; data: { percent: number } }
  | { event: 'paused'; data: object }
  | { event: 'resumed'; data: object }
  | { event: 'delta'; data: { reasoning?: string; text?: string } }
  | { event: 'done'; data: Message | null };

/** Events of a write request's stream. */
export type WriteEvent =
  | { event: 'prefill'; data: Prefill }
  | { event: 'loading'; data: { percent: number } }
  | { event: 'delta'; data: { text: string } }
  | { event: 'done'; data: WriteDone }
  | { event: 'error'; data: ApiErrorBody };

export type Surface = 'main' | 'prompt';

/** Events of the whole application. */
export type AppEvent =
  | { event: 'engine'; data: EngineState }
  | { event: 'chats'; data: { id: string; kind: 'created' | 'changed' | 'deleted' } }
  | { event: 'settings'; data: Settings }
  | { event: 'models'; data: Model[] }
  | { event: 'surface'; data: { surface: Surface; text?: string; command?: string } };
