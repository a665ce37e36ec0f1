/** How often what has happened, by its name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** One line for each name, in alphabetical order, counts in a column. */
  lines(): string[] {
    const sorted = [...this.#counts].toSorted(([one], [other]) => one.localeCompare(other));
    return sorted.map(([name, count]) => `${String(count).padStart(8)}  ${name}`);
  }
}
