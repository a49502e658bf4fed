export type Route = { name: 'chat'; id: string | null } | { name: 'write' } | { name: 'prompt' };

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, '');
  if (path === 'prompt') return { name: 'prompt' };
  if (path === 'write') return { name: 'write' };
  const chat = /^c\/(.+)$/.exec(path);
  return { name: 'chat', id: chat ? decodeURIComponent(chat[1]!) : null };
}

export const hrefOf = (route: Route): string =>
  route.name === 'chat' ? (route.id ? `#/c/${encodeURIComponent(route.id)}` : '#/') : `#/${route.name}`;

class Router {
  route = $state<Route>(parseRoute(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.route = parseRoute(location.hash)));
  }

  go(route: Route): void {
    const href = hrefOf(route);
    if (href !== location.hash) location.hash = href;
    this.route = route;
  }

  /** Changes the address without a new entry in the history. */
  replace(route: Route): void {
    history.replaceState(null, '', hrefOf(route));
    this.route = route;
  }
}

export const router = new Router();
