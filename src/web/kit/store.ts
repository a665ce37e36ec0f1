import { useEffect, useState } from "preact/hooks";

/** A value that parts of a page share; whoever uses it is drawn anew when it changes. */
export interface Store<Value> {
  read(): Value;
  write(value: Value): void;
  use(): Value;
}

export function createStore<Value>(first: Value): Store<Value> {
  let current = first;
  const listeners = new Set<(value: Value) => void>();
  return {
    read: () => current,
    write(value) {
      current = value;
      for (const listener of listeners) listener(value);
    },
    use() {
      const [value, setValue] = useState(current);
      useEffect(() => {
        const listener = (next: Value) => setValue(() => next);
        listeners.add(listener);
        // It may have changed between drawing and this.
        listener(current);
        return () => {
          listeners.delete(listener);
        };
      }, []);
      return value;
    },
  };
}
