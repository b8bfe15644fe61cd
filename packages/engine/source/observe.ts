import type { Net } from './network.ts';

type Operation = (...given: unknown[]) => unknown;

/**
 * A network that does what `net` does, where `watch` sees each operation before it is called and may put another in its
 * place; undefined leaves it as it is. It holds for operations that there will be one day, too.
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
