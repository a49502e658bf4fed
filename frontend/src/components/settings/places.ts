import { api } from '../../lib/api/client';

/** Folders of Qwill by their names in the doctor's report: data, models, logs, cache, database. */
export async function places(): Promise<Record<string, string>> {
  const { checks } = await api.doctor();
  // A check says after the folder what else it found there.
  return Object.fromEntries(checks.map((c) => [c.name, c.detail.replace(/,\s(?![^,]*[/\\]).*$/s, '')]));
}
