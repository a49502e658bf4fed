// Every setting by name, for the search in the settings and for the palette.
import type { Messages } from '../i18n/en';

export const sections = ['general', 'models', 'commands', 'shortcuts', 'server', 'privacy', 'about'] as const;
export type SettingsSection = (typeof sections)[number];

interface Entry {
  section: SettingsSection;
  label: (t: Messages) => string;
  /** Further words that find it. */
  more?: (t: Messages) => string;
}

const list = {
  language: { section: 'general', label: (t) => t.settings.language, more: () => 'English 简体中文 Chinese 中文' },
  theme: {
    section: 'general',
    label: (t) => t.settings.theme,
    more: (t) => `${t.settings.themeLight} ${t.settings.themeDark} theme 主题`,
  },
  text_size: { section: 'general', label: (t) => t.settings.textSize },
  reduce_motion: { section: 'general', label: (t) => t.settings.motion },
  send_key: { section: 'general', label: (t) => t.settings.sendKey },
  suggestions: { section: 'general', label: (t) => t.settings.suggestions, more: (t) => t.settings.suggestionsNote },
  suggest_elsewhere: {
    section: 'general',
    label: (t) => t.settings.suggestElsewhere,
    more: (t) => t.settings.suggestElsewhereNote,
  },
  suggest_model: {
    section: 'general',
    label: (t) => t.settings.suggestModel,
    more: (t) => t.settings.suggestModelNote,
  },
  suggest_delay: {
    section: 'general',
    label: (t) => t.settings.suggestDelay,
    more: (t) => t.settings.suggestDelayNote,
  },
  suggest_on_battery: {
    section: 'general',
    label: (t) => t.settings.suggestOnBattery,
    more: (t) => t.settings.suggestOnBatteryNote,
  },
  suggest_rules: {
    section: 'general',
    label: (t) => t.settings.suggestRules,
    more: (t) => `${t.settings.suggestRulesNote} ${t.settings.suggestNever} ${t.settings.suggestAlso}`,
  },
  thinking: { section: 'general', label: (t) => t.settings.thinking, more: (t) => t.settings.thinkingNote },
  system_prompt: {
    section: 'general',
    label: (t) => t.settings.systemPrompt,
    more: (t) => t.settings.systemPromptHint,
  },
  sampling: {
    section: 'general',
    label: (t) => t.settings.sampling,
    more: (t) =>
      [
        t.settings.temperature,
        t.settings.top_k,
        t.settings.top_p,
        t.settings.min_p,
        t.settings.presence_penalty,
        t.settings.repetition_penalty,
        t.settings.seed,
        t.settings.max_tokens,
      ].join(' '),
  },
  model: { section: 'models', label: (t) => t.settings.defaultModel },
  mode: {
    section: 'models',
    label: (t) => t.settings.mode,
    more: (t) => `${t.settings.modeFast} ${t.settings.modeExact}`,
  },
  idle_minutes: { section: 'models', label: (t) => t.settings.idle, more: (t) => t.settings.idleNote },
  models: { section: 'models', label: (t) => t.settings.manageModels, more: (t) => t.settings.manageModelsNote },
  commands: { section: 'commands', label: (t) => t.settings.commandList },
  hotkey: { section: 'shortcuts', label: (t) => t.settings.hotkey, more: (t) => t.settings.hotkeyNote },
  sheet: { section: 'shortcuts', label: (t) => t.shortcuts.title },
  services: { section: 'shortcuts', label: (t) => t.settings.otherApps, more: () => 'Services 服务 qwill --prompt' },
  server: { section: 'server', label: (t) => t.settings.serverStart, more: () => 'OpenAI API qwill serve' },
  offline: { section: 'privacy', label: (t) => t.settings.offline, more: (t) => t.settings.offlineNote },
  connections: { section: 'privacy', label: (t) => t.settings.connections },
  retention: { section: 'privacy', label: (t) => t.settings.retention, more: (t) => t.settings.retentionNote },
  keep_history: {
    section: 'privacy',
    label: (t) => t.settings.keepHistory,
    more: (t) => t.settings.keepHistoryNote,
  },
  history: {
    section: 'privacy',
    label: (t) => t.settings.history,
    more: (t) => `${t.settings.historyNote} ${t.settings.restoreOriginal}`,
  },
  stored: { section: 'privacy', label: (t) => t.settings.stored },
  transfer: { section: 'privacy', label: (t) => t.settings.transfer, more: (t) => t.transfer.importHint },
  erase: { section: 'privacy', label: (t) => t.settings.erase, more: (t) => t.settings.eraseNote },
  version: { section: 'about', label: (t) => t.settings.version },
  doctor: { section: 'about', label: (t) => t.settings.doctor },
  files: { section: 'about', label: (t) => t.settings.logs },
  licences: { section: 'about', label: (t) => t.settings.licences },
  introduction: { section: 'about', label: (t) => t.settings.introduction },
} as const satisfies Record<string, Entry>;

export type SettingId = keyof typeof list;

export const settingsIndex: Readonly<Record<SettingId, Entry>> = list;

/** True when every word of the query is found in what is said about the setting. */
export function settingMatches(id: SettingId, query: string, t: Messages, note = ''): boolean {
  const entry = settingsIndex[id];
  const said = [entry.label(t), entry.more?.(t), note, t.settings[entry.section], id.replace('_', ' ')]
    .join(' ')
    .toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => said.includes(word));
}
