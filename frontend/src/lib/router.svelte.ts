export type Route =
  /** `message` asks to show that message of the chat. */
  | { name: 'chat'; id: string | null; message?: string }
  | { name: 'write' }
  | { name: 'draft' }
  | { name: 'models' }
  | { name: 'prompt' };

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, '');
  if (path === 'prompt') return { name: 'prompt' };
  if (path === 'write' || path === 'draft' || path === 'models') return { name: path };
  const chat = /^c\/([^?]+)(?:\?m=(.+))?$/.exec(path);
  if (!chat) return { name: 'chat', id: null };
  const message = chat[2] && decodeURIComponent(chat[2]);
  return { name: 'chat', id: decodeURIComponent(chat[1]!), ...(message ? { message } : {}) };
}

export function hrefOf(route: Route): string {
  if (route.name !== 'chat') return `#/${route.name}`;
  if (!route.id) return '#/';
  const message = route.message ? `?m=${encodeURIComponent(route.message)}` : '';
  return `#/c/${encodeURIComponent(route.id)}${message}`;
}

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
