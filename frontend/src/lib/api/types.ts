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
  text_size: 90 | 100 | 110 | 125 | 150;
  send_key: 'enter' | 'mod-enter';
  /** The one switch: forbids every connection off this machine. */
  offline: boolean;
  /** Unload the model after so long without use; 0 is never. */
  idle_minutes: number;
  retention: Record<ChatDoor, Retention>;
  hotkey: string;
  hotkey_enabled: boolean;
  /** Keeps what was replaced in other programs for 24 hours. */
  keep_history: boolean;
  /** Suggestions as one types a draft. */
  suggestions: boolean;
  /** Suggestions in other programs' editors. */
  suggest_elsewhere: boolean;
  /** Installed model that suggests; '' is the smallest. */
  suggest_model: string;
  suggest_on_battery: boolean;
  /** From the last key to the request, in milliseconds. */
  suggest_delay: number;
  /** The person's own; the first that names a program decides. */
  suggest_rules: SuggestRule[];
  first_run_done: boolean;
}

export type Retention = 'none' | 'day' | 'week' | 'month' | 'year' | 'forever';
export type ChatDoor = 'chat' | 'prompt' | 'services' | 'server';

export interface Model {
  name: string;
  title: string;
  path: string;
  architecture: string;
  quantization: string;
  bytes: number;
  context: number;
  can_think: boolean;
  /** What it is for; only "chat" writes. */
  role: 'chat' | 'embedding' | 'reranker';
  starter: boolean;
  missing: boolean;
  note?: string;
  /** Where it was downloaded from, such as Qwen/Qwen3-4B-MLX-4bit. */
  repo?: string;
  /** The commit there. */
  revision?: string;
  licence?: string;
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
  /** Can give three drafts to choose from. */
  drafts?: boolean;
  /** The user's own: its title is shown as it is. */
  custom?: boolean;
  /** What it always runs on. */
  model?: string;
}

/** A command that the user made. */
export interface CustomCommand {
  id: string;
  title: string;
  /** May hold {name} for each option. */
  instruction: string;
  shape: Shape;
  options?: CommandOption[];
  model?: string;
  temperature?: number;
  /** 1 to 9 in the quick prompt. */
  key?: string;
  /** The guard checks the result. */
  keep?: boolean;
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
  /** Place in the queue of replies, from 1. */
  waiting?: number;
  pinned: boolean;
  /** A folder's id, '' outside folders. */
  folder: string;
  /** Lives in memory only and is gone with Qwill. */
  temporary: boolean;
  door: ChatDoor;
}

export interface Folder {
  id: string;
  name: string;
  chats: number;
}

export interface Preset {
  id: string;
  name: string;
  system_prompt: string;
  sampling: Sampling;
  thinking: boolean;
  /** '' leaves the chat's. */
  model: string;
}

export interface SearchHit {
  chat: ChatSummary;
  /** Absent where the title was hit. */
  message?: string;
  role?: string;
  parts: { text: string; hit: boolean }[];
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
  /** Tokens that were guessed from the text itself, and of them those that came. */
  drafted?: number;
  accepted?: number;
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
  /** Which of the alternatives this is, from 1; `siblings` are their ids, oldest first. */
  branch: { index: number; count: number; siblings: string[] };
  model?: string;
  reasoning_ms?: number;
  stats?: Stats;
}

export interface Chat extends ChatSummary {
  created: string;
  system_prompt: string;
  sampling: Sampling;
  thinking: boolean;
  draft: string;
  messages: Message[];
  context: { used: number; limit: number };
}

export interface ChatFields {
  title?: string;
  model?: string;
  system_prompt?: string;
  sampling?: Sampling;
  thinking?: boolean;
  temporary?: boolean;
  folder?: string;
  pinned?: boolean;
  preset?: string;
}

/** Why a model fits or does not; put into words with `memory` and `machine`. */
export type FitReason = 'fits' | 'tight' | 'too_big' | 'unsupported' | 'recommended';
export type GoodFor = 'trial' | 'quick' | 'everyday' | 'writing' | 'hard';

export interface CatalogueEntry {
  repo: string;
  title: string;
  size: string;
  quantization: string;
  bits: number;
  bytes: number;
  /** Needed at a context of 8,192 tokens, in bytes. */
  memory: number;
  /** What this machine has, in bytes; 0 unknown. */
  machine: number;
  context: number;
  licence: string;
  architecture: string;
  revision?: string;
  evidence: 'published' | 'derived';
  runs: boolean;
  fits: 'yes' | 'tight' | 'no';
  reason: FitReason;
  good_for: GoodFor;
  installed?: string;
  job?: string;
  recommended: boolean;
}

export type JobState =
  | 'queued'
  | 'listing'
  | 'downloading'
  | 'waiting'
  | 'verifying'
  | 'publishing'
  | 'paused'
  | 'failed'
  | 'done'
  /** In events only: the job is gone. */
  | 'cancelled';

/** `recorded`: no hash was known, now there is one. */
export interface Verification {
  model: string;
  ok: boolean;
  files: { path: string; bytes: number; state: 'ok' | 'changed' | 'missing' | 'recorded' }[];
}

export type VerifyEvent =
  | { event: 'progress'; data: { done: number; total: number } }
  | { event: 'done'; data: Verification }
  | { event: 'error'; data: ApiErrorBody };

/** A hub that models come from. */
export type Source = 'huggingface' | 'modelscope';

export interface Job {
  id: string;
  repo: string;
  revision: string;
  name: string;
  source: Source;
  state: JobState;
  files: { path: string; bytes: number; done: number; verified: boolean }[];
  bytes: number;
  done: number;
  /** Bytes a second. */
  rate: number;
  eta_s?: number;
  wait_s?: number;
  error?: ApiErrorBody;
}

/** A text that was replaced. */
export interface Replacement {
  id: string;
  time: string;
  /** The program; `services` where one asked for itself; `write` and `chat` for the page's own fields; empty where it is not known. */
  where: string;
  /** Id of a command, or empty. */
  command: string;
  original: string;
  result: string;
}

export interface Connection {
  time: string;
  method: string;
  url: string;
  purpose: string;
  status: number;
  bytes: number;
  refused?: string;
}

export interface Licence {
  name: string;
  version: string;
  licence: string;
  text: string;
  url?: string;
}

export interface Doctor {
  text: string;
  checks: { name: string; ok: boolean; detail: string }[];
}

export interface Hotkey {
  state: 'off' | 'active' | 'denied' | 'unavailable' | 'taken';
  via: 'portal' | 'x11' | 'carbon' | '';
  hotkey: string;
  message?: string;
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

/** What may not have survived a rewrite. */
export interface Fault {
  kind:
    | 'number'
    | 'unit'
    | 'name'
    | 'date'
    | 'link'
    | 'code'
    | 'placeholder'
    | 'quotation'
    | 'negation'
    | 'opposite'
    | 'language'
    | 'preamble'
    | 'answer'
    | 'dropped'
    | 'invented'
    | 'layout'
    | 'ending'
    | 'echo'
    | 'alike';
  old?: string;
  new?: string;
}

/** Why something was changed; the text is the model's, in the user's language. */
export interface Reason {
  kind: 'spelling' | 'grammar' | 'punctuation' | 'capitalization' | 'spacing' | 'word' | 'style';
  text?: string;
}

/** One of several replies to choose from. */
export interface Draft {
  intent: 'agree' | 'decline' | 'ask' | 'postpone';
  text: string;
  faults?: Fault[];
}

export interface Segment {
  kind: 'same' | 'change';
  old: string;
  new: string;
  id?: number;
  why?: Reason;
  faults?: Fault[];
}

export type Door = 'prompt' | 'chat' | 'services';

export interface WriteRequest {
  command: string;
  text: string;
  instruction?: string;
  options?: Record<string, string>;
  drafts?: boolean;
  model?: string;
  door?: Door;
  /** A command that is not saved yet, in place of `command`. */
  try?: CustomCommand;
}

export interface WriteDone {
  text: string;
  original: string;
  shape: Shape;
  diff: Segment[] | null;
  drafts?: Draft[];
  /** What may be wrong with the whole; that of one change is with its segment. */
  faults?: Fault[];
  /** How often the model was asked. */
  tries: number;
  /** The parts that a long text was done in. */
  sections?: number;
  stats: Stats;
  warning?: 'empty' | 'cut_off' | 'unchanged' | 'kept' | 'more';
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
  | { event: 'again'; data: { faults: Fault[] } }
  | { event: 'edits'; data: { diff: Segment[] } }
  | { event: 'drafts'; data: { drafts: Draft[] } }
  | { event: 'section'; data: { index: number; count: number } }
  | { event: 'done'; data: WriteDone }
  | { event: 'error'; data: ApiErrorBody };

export type Surface = 'main' | 'prompt';

/** Events of the whole application. */
export type AppEvent =
  | { event: 'engine'; data: EngineState }
  | { event: 'chats'; data: { id: string; kind: 'created' | 'changed' | 'deleted' } }
  | { event: 'settings'; data: Settings }
  | { event: 'models'; data: Model[] }
  | { event: 'commands'; data: Command[] }
  | { event: 'folders'; data: Folder[] }
  | { event: 'presets'; data: Preset[] }
  | { event: 'jobs'; data: Job }
  | { event: 'hotkey'; data: Hotkey }
  | {
      event: 'surface';
      data: {
        surface: Surface;
        text?: string;
        command?: string;
        /** Where the text was captured, and can be put back by its id. */
        target?: Target;
        /** What the main window should open; `chat` is the id of the chat. */
        open?: 'new' | 'chat' | 'settings';
        chat?: string;
      };
    };

/** Where a text was captured in another program: without an id it cannot be put back. */
export interface Target {
  id?: string;
  program?: string;
  /** The text was not read: the focus was in a field for passwords. */
  refused?: 'secure';
}

export interface Inserted {
  way: 'paste' | 'edit';
  /** It was read back there. */
  verified: boolean;
}

/** Whether programs have suggestions; * stands for any characters. */
export interface SuggestRule {
  apps: string[];
  suggest: boolean;
  /** In fields of one line too. */
  one_line?: boolean;
}

/** What became of suggestions in other programs. */
export interface Suggesting {
  state: 'off' | 'active' | 'unavailable';
  message?: string;
  /** Why each program showed none when it last could have, the last one first. */
  programs: { app: string; why: string; kind?: string; at: string }[];
}

/** What happens in a field that has suggestions; exactly one is set. */
export interface SuggestEvent {
  focus?: { id: string; app: string; multi_line: boolean };
  blur?: true;
  text?: { before: string; after: string; caret: number; selected: boolean };
  key?: { name: string; shift: boolean; mod: boolean; shown?: number };
  compose?: boolean;
}

/** What to show in it. */
export type SuggestShown =
  | { event: 'session'; data: { id: string } }
  | { event: 'show'; data: { id: number; parts: string[]; at: number; last: boolean } }
  | { event: 'hide'; data: object }
  | { event: 'why'; data: { why: string } };
