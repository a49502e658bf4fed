/** Numbers, sizes, durations and dates as a locale writes them. */
export class Format {
  readonly #whole: Intl.NumberFormat;
  readonly #tenth: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #seconds: Intl.NumberFormat;
  readonly #tenthSeconds: Intl.NumberFormat;
  readonly #minutes: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #full: Intl.DateTimeFormat;
  readonly #month: Intl.DateTimeFormat;
  readonly #languages: Intl.DisplayNames;
  readonly #order: Intl.Collator;
  readonly #words: Intl.Segmenter;

  constructor(readonly locale: string) {
    const unit = (unit: string, digits: number) =>
      new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'narrow', maximumFractionDigits: digits });
    this.#whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    this.#tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    this.#percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
    this.#seconds = unit('second', 0);
    this.#tenthSeconds = unit('second', 1);
    this.#minutes = unit('minute', 0);
    this.#time = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
    this.#full = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
    this.#month = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric' });
    this.#languages = new Intl.DisplayNames(locale, { type: 'language' });
    this.#order = new Intl.Collator(locale);
    this.#words = new Intl.Segmenter(locale, { granularity: 'word' });
  }

  whole = (n: number) => this.#whole.format(n);
  tenth = (n: number) => (n >= 100 ? this.#whole : this.#tenth).format(n);
  /** `share` is between 0 and 1. */
  percent = (share: number) => this.#percent.format(share);
  time = (iso: string) => this.#time.format(new Date(iso));
  date = (iso: string) => this.#full.format(new Date(iso));
  month = (date: Date) => this.#month.format(date);
  language = (tag: string) => this.#languages.of(tag) ?? tag;
  /** Orders names, for sort(). */
  compare = (a: string, b: string) => this.#order.compare(a, b);
  lower = (s: string) => s.toLocaleLowerCase(this.locale);

  /** How many words a text has; of a very long one, its beginning. */
  countWords(s: string): number {
    let n = 0;
    for (const part of this.#words.segment(s.slice(0, 200_000))) if (part.isWordLike) n++;
    return n;
  }

  /** "0.4s", "12s", "2m 5s" in the locale's words. */
  duration(ms: number): string {
    const s = ms / 1000;
    if (s < 10) return this.#tenthSeconds.format(s);
    const whole = Math.round(s);
    if (whole < 60) return this.#seconds.format(whole);
    const rest = whole % 60;
    const minutes = this.#minutes.format(Math.floor(whole / 60));
    return rest ? `${minutes} ${this.#seconds.format(rest)}` : minutes;
  }

  /** Bytes in decimal units, as file managers show them. */
  bytes(n: number): string {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
    let i = 0;
    while (n >= 1000 && i < units.length - 1) {
      n /= 1000;
      i++;
    }
    return new Intl.NumberFormat(this.locale, {
      style: 'unit',
      unit: units[i]!,
      unitDisplay: 'short',
      maximumFractionDigits: n < 10 && i > 0 ? 1 : 0,
    }).format(n);
  }
}
