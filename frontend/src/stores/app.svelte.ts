import { i18n } from '../i18n/index.svelte';
import { api, asErrorBody } from '../lib/api/client';
import type {
  ApiErrorBody,
  AppEvent,
  ChatSummary,
  Command,
  EngineState,
  Folder,
  Hotkey,
  Job,
  Model,
  Preset,
  Settings,
  State,
  Surface,
  Target,
} from '../lib/api/types';
import { backoff } from '../lib/retry';
import { router } from '../lib/router.svelte';
import { usePlatform } from '../lib/shortcuts';
import { useReducedMotion, useTextSize, useTheme } from '../lib/theme';

const DEFAULTS: Settings = {
  model: '',
  mode: 'fast',
  language: 'system',
  theme: 'system',
  system_prompt: '',
  thinking: false,
  sampling: {},
  reduce_motion: false,
  text_size: 100,
  send_key: 'enter',
  offline: false,
  idle_minutes: 10,
  retention: { chat: 'forever', prompt: 'none', services: 'none', server: 'none' },
  hotkey: 'Ctrl+Alt+Space',
  hotkey_enabled: false,
  keep_history: true,
  suggestions: false,
  suggest_elsewhere: false,
  suggest_model: '',
  suggest_on_battery: false,
  suggest_delay: 30,
  suggest_rules: [],
  first_run_done: false,
};

/** Time that the starter's installation may take before its absence is reported, in milliseconds. */
const FIRST_START = 8000;

/** Time that a setting is marked as saved, in milliseconds. */
const SAVED_SHOWN = 2000;

export type ChatEventListener = (id: string, kind: 'created' | 'changed' | 'deleted') => void;

/** What the whole page knows about the application, kept up to date by its events. */
class App {
  ready = $state(false);
  /** False while the backend does not answer. */
  connected = $state(true);
  version = $state('');
  platform = $state<State['platform']>('linux');
  native = $state(false);
  models = $state.raw<Model[]>([]);
  commands = $state.raw<Command[]>([]);
  settings = $state.raw<Settings>(DEFAULTS);
  engine = $state.raw<EngineState>({ state: 'stopped' });
  chats = $state.raw<ChatSummary[]>([]);
  folders = $state.raw<Folder[]>([]);
  presets = $state.raw<Preset[]>([]);
  /** Downloads of models, those that ended since the page was opened too. */
  jobs = $state.raw<Job[]>([]);
  /** What became of the system-wide shortcut; null until that is known. */
  hotkey = $state.raw<Hotkey | null>(null);
  notices = $state.raw<ApiErrorBody[]>([]);
  /** Names of the settings that were just saved, for a moment. */
  saved = $state.raw<string[]>([]);
  /** A failed action that the person should hear about. */
  error = $state.raw<ApiErrorBody | null>(null);
  /** Text that the native side captured for the quick prompt; a new object each time. */
  captured = $state.raw<{ text: string; command?: string; target?: Target } | null>(null);

  /** Counts how often the native side asked for the settings. */
  settingsAsked = $state(0);

  /** The model that new chats and commands use. */
  /** True once it is sure that there is nothing to run: right after the first start the starter is still being installed. */
  noModel = $state(false);
  /** The installed models that write; others give vectors. */
  readonly writers = $derived(this.models.filter((m) => m.role === 'chat'));
  readonly model = $derived(
    this.modelNamed(this.settings.model) ?? (this.settings.model ? undefined : this.writers[0]),
  );

  #listeners = new Set<ChatEventListener>();
  #surfaces = new Set<(surface: Surface) => void>();
  #telling: ReturnType<typeof setTimeout> | undefined;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #listing: ReturnType<typeof setTimeout> | undefined;
  /** Events since the lists were asked for. */
  readonly #heard = new Set<AppEvent['event']>();

  modelNamed(name: string): Model | undefined {
    return this.models.find((m) => m.name === name);
  }

  /** Loads the state and follows the events until the signal ends them. */
  async run(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const control = new AbortController();
      const end = () => control.abort();
      signal.addEventListener('abort', end);
      try {
        const events = api.events(control.signal);
        // Asked for before the state, so that nothing between the two is missed.
        const first = events.next();
        first.catch(() => undefined);
        this.#take(await api.state());
        attempt = 0;
        for (let next = await first; !next.done; next = await events.next()) this.#apply(next.value);
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asErrorBody(thrown);
        if (error.code !== 'offline') this.error = error;
        this.connected = false;
      } finally {
        signal.removeEventListener('abort', end);
        control.abort();
      }
      await backoff(attempt, signal);
    }
  }

  onChat(listener: ChatEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears when the native side shows a surface, such as the quick prompt after its shortcut. */
  onSurface(listener: (surface: Surface) => void): () => void {
    this.#surfaces.add(listener);
    return () => this.#surfaces.delete(listener);
  }

  /** Runs an action; what goes wrong is shown, and undefined given. */
  async attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await action();
      this.error = null;
      return value;
    } catch (thrown) {
      this.error = asErrorBody(thrown);
      return undefined;
    }
  }

  /** Saves settings; they take effect at once and go back when the backend refuses them. */
  async save(change: Partial<Settings>): Promise<void> {
    const before = this.settings;
    this.#useSettings({ ...before, ...change });
    const saved = await this.attempt(() => api.saveSettings(change));
    this.#useSettings(saved ?? before);
    if (!saved) return;
    this.saved = Object.keys(change);
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => (this.saved = []), SAVED_SHOWN);
  }

  /** Whoever comes back may have changed chats and models elsewhere, such as by `qwill chats rm` in a terminal. */
  lookAgain(): void {
    if (!this.ready || !this.connected) return;
    this.refreshChats();
    api.models().then(
      (models) => this.#useModels(models),
      () => undefined,
    );
  }

  /** Reads everything again, such as after all was erased. */
  async reload(): Promise<void> {
    await this.attempt(async () => this.#take(await api.state()));
  }

  dismissNotice(notice: ApiErrorBody): void {
    this.notices = this.notices.filter((n) => n !== notice);
  }

  /** Reads the list of chats again soon; many requests make one. */
  refreshChats(): void {
    clearTimeout(this.#listing);
    this.#listing = setTimeout(() => {
      api.chats().then(
        (chats) => {
          const there = new Set(chats.map((c) => c.id));
          const gone = this.chats.filter((c) => !there.has(c.id));
          this.chats = chats;
          for (const { id } of gone) for (const listener of this.#listeners) listener(id, 'deleted');
        },
        () => undefined, // the event stream notices a lost connection
      );
    }, 60);
  }

  /** Reads what the first paint does without. What an event brings meanwhile is newer than the answer. */
  async #readRest(): Promise<void> {
    this.#heard.clear();
    const keep = <T>(name: AppEvent['event'], call: Promise<T>, use: (value: T) => void) =>
      call.then(
        (value) => {
          if (!this.#heard.has(name)) use(value);
        },
        () => undefined,
      );
    await Promise.all([
      keep('folders', api.folders(), (folders) => (this.folders = folders ?? [])),
      keep('presets', api.presets(), (presets) => (this.presets = presets ?? [])),
      // An event tells of one job only.
      api.jobs().then(
        (jobs) => (this.jobs = jobs ?? []),
        () => undefined,
      ),
      keep('hotkey', api.hotkey(), (hotkey) => (this.hotkey = hotkey)),
    ]);
  }

  #take(state: State): void {
    this.version = state.version;
    this.platform = state.platform;
    usePlatform(state.platform);
    this.native = state.native;
    this.#useModels(state.models ?? []);
    this.commands = state.commands ?? [];
    this.engine = state.engine;
    this.chats = state.chats ?? [];
    if (!this.ready) this.notices = state.notices ?? [];
    this.#useSettings(state.settings);
    this.connected = true;
    this.ready = true;
    void this.#readRest();
  }

  #apply(event: AppEvent): void {
    this.#heard.add(event.event);
    switch (event.event) {
      case 'engine':
        this.engine = event.data;
        break;
      case 'settings':
        this.#useSettings(event.data);
        break;
      case 'commands':
        this.commands = event.data ?? [];
        break;
      case 'models':
        this.#useModels(event.data ?? []);
        break;
      case 'chats':
        this.refreshChats();
        for (const listener of this.#listeners) listener(event.data.id, event.data.kind);
        break;
      case 'folders':
        this.folders = event.data ?? [];
        break;
      case 'presets':
        this.presets = event.data ?? [];
        break;
      case 'jobs': {
        const job = event.data;
        if (job.state === 'cancelled') {
          this.jobs = this.jobs.filter((j) => j.id !== job.id);
          break;
        }
        const known = this.jobs.some((j) => j.id === job.id);
        this.jobs = known ? this.jobs.map((j) => (j.id === job.id ? job : j)) : [...this.jobs, job];
        break;
      }
      case 'hotkey':
        this.hotkey = event.data;
        break;
      case 'surface':
        for (const listener of this.#surfaces) listener(event.data.surface);
        if (event.data.surface === 'prompt') {
          this.captured = {
            text: event.data.text ?? '',
            ...(event.data.command ? { command: event.data.command } : {}),
            ...(event.data.target ? { target: event.data.target } : {}),
          };
          router.go({ name: 'prompt' });
        } else if (event.data.open === 'new' || event.data.open === 'chat') {
          router.go({ name: 'chat', id: event.data.chat ?? null });
        } else {
          router.toMain();
          if (event.data.open === 'settings') this.settingsAsked += 1;
        }
        break;
    }
  }

  #useModels(models: Model[]): void {
    this.models = models;
    clearTimeout(this.#settling);
    if (models.length) this.noModel = false;
    else this.#settling = setTimeout(() => (this.noModel = true), FIRST_START);
  }

  #useSettings(settings: Settings): void {
    this.settings = { ...DEFAULTS, ...settings };
    i18n.use(this.settings.language);
    useTheme(this.settings.theme);
    useReducedMotion(this.settings.reduce_motion);
    useTextSize(this.settings.text_size);
  }
}

export const app = new App();
