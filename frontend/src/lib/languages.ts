import type { Format } from '../i18n/format';

/** A language to translate into: its tag for display, and the English name that a command takes. */
export interface TargetLanguage {
  tag: string;
  value: string;
}

export const LANGUAGES: TargetLanguage[] = [
  { tag: 'ar', value: 'Arabic' },
  { tag: 'bn', value: 'Bengali' },
  { tag: 'cs', value: 'Czech' },
  { tag: 'da', value: 'Danish' },
  { tag: 'nl', value: 'Dutch' },
  { tag: 'en', value: 'English' },
  { tag: 'fi', value: 'Finnish' },
  { tag: 'fr', value: 'French' },
  { tag: 'de', value: 'German' },
  { tag: 'el', value: 'Greek' },
  { tag: 'he', value: 'Hebrew' },
  { tag: 'hi', value: 'Hindi' },
  { tag: 'id', value: 'Indonesian' },
  { tag: 'it', value: 'Italian' },
  { tag: 'ja', value: 'Japanese' },
  { tag: 'ko', value: 'Korean' },
  { tag: 'nb', value: 'Norwegian' },
  { tag: 'fa', value: 'Persian' },
  { tag: 'pl', value: 'Polish' },
  { tag: 'pt', value: 'Portuguese' },
  { tag: 'ru', value: 'Russian' },
  { tag: 'zh-Hans', value: 'Simplified Chinese' },
  { tag: 'es', value: 'Spanish' },
  { tag: 'sv', value: 'Swedish' },
  { tag: 'th', value: 'Thai' },
  { tag: 'zh-Hant', value: 'Traditional Chinese' },
  { tag: 'tr', value: 'Turkish' },
  { tag: 'uk', value: 'Ukrainian' },
  { tag: 'vi', value: 'Vietnamese' },
];

export const languageName = (language: TargetLanguage, format: Format): string => format.language(language.tag);
