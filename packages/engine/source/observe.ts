import type { Net } from './network.ts';

type Operation = (...given: unknown[]) => unknown;

/**
 * Wraps a network so that `watch` sees each operation before it is called. `watch` may return a replacement, or
 * undefined to keep the operation. The wrapper is a proxy, so it also covers operations that are added later.
 */
export function observed<T>(
  net: Net<T>,
  watch: (operation: keyof Net<T>, call: Operation) => Operation | undefined,
): Net<T> {
  return new Proxy(net, {
    get(target, operation) {
      const own: unknown = Reflect.get(target, operation);
      if (typeof own !== 'function') return own;
      const call = own.bind(target) as Operation;
      return watch(operation as keyof Net<T>, call) ?? call;
    },
  });
}
