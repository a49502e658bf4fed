type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

const rules = new Map<string, Intl.PluralRules>();

/** The form that a language uses for a count, or for a place in an order. */
export function plural(locale: string, n: number, forms: Forms, type: Intl.PluralRuleType = 'cardinal'): string {
  const key = `${locale} ${type}`;
  let rule = rules.get(key);
  if (!rule) rules.set(key, (rule = new Intl.PluralRules(locale, { type })));
  return forms[rule.select(n)] ?? forms.other;
}
