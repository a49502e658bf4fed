import { describe, expect, it } from 'vitest';
import { hrefOf, parseRoute, type Route } from './router.svelte';

describe('routes', () => {
  const routes: Route[] = [
    { name: 'chat', id: null },
    { name: 'chat', id: 'a/b?c' },
    { name: 'chat', id: '01J', message: '01K&m' },
    { name: 'write' },
    { name: 'draft' },
    { name: 'models' },
    { name: 'prompt' },
  ];

  it('survive their address', () => {
    for (const route of routes) expect(parseRoute(hrefOf(route))).toEqual(route);
  });

  it('are the new chat where the address says nothing', () => {
    for (const hash of ['', '#', '#/', '#/nowhere']) expect(parseRoute(hash)).toEqual({ name: 'chat', id: null });
  });
});
