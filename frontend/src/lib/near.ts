// Tells elements that they come near the sight of the reader, once.

const callbacks = new WeakMap<Element, () => void>();
let observer: IntersectionObserver | undefined;

function observe(node: Element): void {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        const callback = callbacks.get(target);
        forget(target);
        callback?.();
      }
    },
    // Without a root of its own the scrolling box would cut the margin off.
    { root: node.closest('[data-scroller]'), rootMargin: '1000px 0px' },
  );
  observer.observe(node);
}

function forget(node: Element): void {
  callbacks.delete(node);
  observer?.unobserve(node);
}

/** Action: calls once when the element comes near; null asks for nothing. */
export function whenNear(node: Element, callback: (() => void) | null) {
  const update = (callback: (() => void) | null) => {
    if (!callback) return forget(node);
    const known = callbacks.has(node);
    callbacks.set(node, callback);
    if (!known) observe(node);
  };
  update(callback);
  return { update, destroy: () => forget(node) };
}
