import type { ApiErrorBody, Command, CommandOption, Fault, Language } from '../lib/api/types';
import { en, type Messages } from './en';
import { Format } from './format';
import { zhHans } from './zh-Hans';

export type Locale = 'en' | 'zh-Hans';

const catalogues: Record<Locale, Messages> = { en, 'zh-Hans': zhHans };

/** The catalogue for a setting; "system" takes the first preferred language that there is a catalogue for. */
export function resolveLocale(setting: Language, preferred: readonly string[]): Locale {
  if (setting !== 'system') return setting;
  for (const tag of preferred) {
    if (/^en\b/i.test(tag)) return 'en';
    if (/^zh\b/i.test(tag)) return 'zh-Hans';
  }
  return 'en';
}

class I18n {
  locale = $state<Locale>('en');
  readonly t = $derived(catalogues[this.locale]);
  readonly format = $derived(new Format(this.locale));

  use(setting: Language): void {
    this.locale = resolveLocale(setting, navigator.languages);
    document.documentElement.lang = this.locale;
  }

  command(command: Pick<Command, 'id' | 'title' | 'custom'>): string {
    if (command.custom) return command.title;
    return this.t.commands[command.id.replaceAll(/[-_]/g, '')] ?? command.title;
  }

  option(option: Pick<CommandOption, 'name' | 'title'>, custom = false): string {
    return (custom ? undefined : this.t.options[option.name]) ?? option.title;
  }

  /** How a model's weights are kept: "4 bit, group 32" in the page's language. */
  quantization(said: string): string {
    const [, bits, group] = /^(\d+) bit, group (\d+)$/.exec(said) ?? [];
    return bits && group ? this.t.weights(this.format.whole(Number(bits)), this.format.whole(Number(group))) : said;
  }

  /** What may not have survived a rewrite, in a sentence. */
  fault({ kind, old = '', new: now = '' }: Fault): string {
    const words = this.t.faults[kind] ?? this.t.faults.other!;
    if (old && now) return words.changed(old, now);
    return old ? words.lost(old) : words.added(now);
  }

  /** What happened and what to do: translated by code, else in the backend's words. */
  error(error: ApiErrorBody): { message: string; hint: string; detail: string } {
    const known = this.t.errors[error.code];
    // English shows the backend's own sentence: it names the very thing that failed.
    const own = this.locale === 'en' || !known;
    return {
      message: (own && error.message) || (known?.message ?? error.message),
      // The backend's hints are for the command line too; the catalogue's are for the page.
      hint: known?.hint ?? sentence(error.hint ?? ''),
      detail: error.detail ?? '',
    };
  }
}

const sentence = (s: string) => s && `${s[0]!.toUpperCase()}${s.slice(1)}${/[.!?…]$/.test(s) ? '' : '.'}`;

export const i18n = new I18n();
