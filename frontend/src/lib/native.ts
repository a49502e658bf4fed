// What the app's own window offers beyond a browser.

interface WailsRuntime {
  BrowserOpenURL?(url: string): void;
  ClipboardSetText?(text: string): Promise<boolean>;
}

/** What app/desktop binds for the page. */
interface NativeCalls {
  ChooseExport?(name: string): Promise<string>;
  ChooseModel?(): Promise<string>;
  ChooseModelFolder?(): Promise<string>;
}

const native = () => (window as unknown as { go?: { desktop?: { Native?: NativeCalls } } }).go?.desktop?.Native;

/** Asks where to save an export: the path, '' when cancelled, undefined where no dialog of the system can be had. */
export async function chooseExport(name: string): Promise<string | undefined> {
  return native()?.ChooseExport?.(name);
}

/** Asks for a GGUF file or a folder in MLX form: the path, '' when cancelled, undefined where there is no such dialog. */
export async function chooseModel(what: 'file' | 'folder'): Promise<string | undefined> {
  return what === 'file' ? native()?.ChooseModel?.() : native()?.ChooseModelFolder?.();
}

const runtime = () => (window as unknown as { runtime?: WailsRuntime }).runtime;

/** Opens a link in the person's browser, never in the app's own page. */
export function openLink(url: string): void {
  const wails = runtime();
  if (wails?.BrowserOpenURL) wails.BrowserOpenURL(url);
  else window.open(url, '_blank', 'noopener,noreferrer');
}

/** Puts text on the clipboard; false when the system refused. */
export async function copyText(text: string): Promise<boolean> {
  try {
    const wails = runtime();
    if (wails?.ClipboardSetText && (await wails.ClipboardSetText(text))) return true;
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Puts text on the clipboard, with its styled form beside it where there is one; false when the system refused. */
export async function copyStyled(text: string, html: Promise<string | undefined>): Promise<boolean> {
  const styled = await html;
  if (styled === undefined) return copyText(text);
  try {
    const item = new ClipboardItem({
      'text/plain': new Blob([text], { type: 'text/plain' }),
      'text/html': new Blob([styled], { type: 'text/html' }),
    });
    await navigator.clipboard.write([item]);
    return true;
  } catch {
    const fill = (event: ClipboardEvent) => {
      event.clipboardData?.setData('text/plain', text);
      event.clipboardData?.setData('text/html', styled);
      event.preventDefault();
    };
    document.addEventListener('copy', fill, { once: true });
    const ok = copyBySelection(text);
    document.removeEventListener('copy', fill);
    return ok;
  }
}

/** For web views that only allow the older command. */
function copyBySelection(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const ok = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return ok;
}
