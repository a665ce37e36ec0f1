/** Something that ends when the test says so. */
export function gate<T = void>() {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { ended: promise, end: resolve };
}
