import { api } from '../lib/api/client';
import type { Replacement } from '../lib/api/types';
import { app } from './app.svelte';

/** A field of the page whose text a result can replace. */
export interface Field {
  text(): string;
  put(text: string): void;
}

/** The page's own fields, by the history's name for them. */
const fields = new Map<string, Field>();

/** Lends a field to Restore original, until the function that it gives is called. */
export function lend(where: 'write' | 'chat', field: Field): () => void {
  fields.set(where, field);
  return () => {
    if (fields.get(where) === field) fields.delete(where);
  };
}

/** Keeps an original before it is replaced; false where that failed: then the text must stay. */
export async function keep(
  where: 'write' | 'chat',
  command: string,
  original: string,
  result: string,
): Promise<boolean> {
  if (original === result) return true;
  return (await app.attempt(() => api.keepReplacement({ where, command, original, result }))) !== undefined;
}

/** Puts an original back where the page itself still holds its replacement; false elsewhere. */
export function putBack(e: Replacement): boolean {
  const field = fields.get(e.where);
  if (field?.text() !== e.result) return false;
  field.put(e.original);
  return true;
}
