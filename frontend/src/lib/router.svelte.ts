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
  #main: Route = this.route.name === 'prompt' ? { name: 'chat', id: null } : this.route;

  constructor() {
    addEventListener('hashchange', () => this.#set(parseRoute(location.hash)));
  }

  go(route: Route): void {
    const href = hrefOf(route);
    if (href !== location.hash) location.hash = href;
    this.#set(route);
  }

  /** Leaves the quick prompt for what the main window showed last. */
  toMain(): void {
    if (this.route.name === 'prompt') this.go(this.#main);
  }

  /** Changes the address without a new entry in the history. */
  replace(route: Route): void {
    history.replaceState(null, '', hrefOf(route));
    this.#set(route);
  }

  #set(route: Route): void {
    this.route = route;
    if (route.name !== 'prompt') this.#main = route;
  }
}

export const router = new Router();
