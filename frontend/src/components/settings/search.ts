import { getContext, setContext } from 'svelte';

const KEY = Symbol('settings search');

/** Gives the rows of the settings what is searched for. */
export function provideSearch(query: () => string): void {
  setContext(KEY, query);
}

/** What is searched for in the settings, '' for nothing. */
export function useSearch(): () => string {
  return getContext<(() => string) | undefined>(KEY) ?? (() => '');
}
