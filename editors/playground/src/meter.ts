/** How long suggestions took, from the keystroke to the ghost text. */

const KEPT = 200;

export class Meter {
  private readonly times: number[] = [];

  constructor(
    private readonly root: HTMLElement,
    private readonly budgetMs: number,
  ) {}

  /** `serverMs` of it passed between asking the model and having its answer. */
  add(ms: number, serverMs: number, where: string): void {
    this.times.push(ms);
    if (this.times.length > KEPT) this.times.shift();
    this.write("last", this.judged(ms));
    this.write("model", `${serverMs.toFixed(0)} ms`);
    this.write("median", `${quantile(this.times, 0.5).toFixed(0)} ms`);
    this.write("p95", this.judged(quantile(this.times, 0.95)));
    this.write("count", String(this.times.length));
    this.write("where", where);
  }

  private judged(ms: number): string {
    return `${ms.toFixed(0)} ms, ${ms <= this.budgetMs ? "within" : "over"} ${this.budgetMs}`;
  }

  private write(name: string, text: string): void {
    const place = this.root.querySelector(`[data-meter="${name}"]`);
    if (place) place.textContent = text;
  }
}

/** Nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
