/** Asks what follows from the latest edits, after a pause, and shows it. */

import type { EditorView, ViewUpdate } from "@codemirror/view";
import { acceptEdit, edits, type LineEdit, showEdits } from "./edits";
import { inWords, isAbort, type Node } from "./node";
import { difference } from "./text";

const PAUSE_MS = 250;

const ANOTHER_THOUGHT_MS = 60_000;
/** After so long a pause what was edited before it says nothing about what comes next. */

export class Follower {
  private running: AbortController | null = null;
  private timer = 0;
  private before: string;
  private changedAt = 0;

  constructor(
    text: string,
    private readonly node: Node,
    private readonly path: () => string,
    private readonly panel: HTMLElement,
    private readonly say: (text: string) => void,
  ) {
    this.before = text;
  }

  update(update: ViewUpdate): void {
    const shown = update.state.field(edits);
    if (shown !== update.startState.field(edits)) this.describe(shown);
    if (!update.docChanged) return;
    const now = performance.now();
    if (now - this.changedAt > ANOTHER_THOUGHT_MS && shown.length === 0) {
      this.before = update.startState.doc.toString();
    }
    this.changedAt = now;
    const accepted = update.transactions.some((each) => each.isUserEvent("next"));
    this.giveUp();
    if (accepted && shown.length === 0) this.before = update.state.doc.toString();
    else this.timer = window.setTimeout(() => void this.ask(update.view), PAUSE_MS);
  }

  /** Begin anew from the text as it is. */
  dismiss(view: EditorView): boolean {
    if (view.state.field(edits).length === 0) return false;
    this.giveUp();
    this.before = view.state.doc.toString();
    view.dispatch({ effects: showEdits.of([]) });
    return true;
  }

  accept(view: EditorView): boolean {
    return acceptEdit(view);
  }

  giveUp(): void {
    window.clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
  }

  private async ask(view: EditorView): Promise<void> {
    if (!this.node.hasKey) return;
    const controller = (this.running = new AbortController());
    const { doc, selection } = view.state;
    const line = doc.lineAt(selection.main.head).number;
    const body = { path: this.path(), before: this.before, now: doc.toString(), line };
    try {
      const response = await this.node.post("/hansa/v1/playground/next", body, controller.signal);
      const found = (await response.json()) as { edits: LineEdit[] };
      if (this.running !== controller) return;
      view.dispatch({ effects: showEdits.of(found.edits) });
    } catch (error) {
      if (!isAbort(error) && this.running === controller) this.say(inWords(error));
    }
  }

  private describe(shown: readonly LineEdit[]): void {
    const nearest = shown[0];
    for (const button of this.panel.querySelectorAll("button")) button.disabled = !nearest;
    const place = this.panel.querySelector("[data-next]");
    if (!place) return;
    if (!nearest) {
      place.textContent = "None.";
      return;
    }
    const { old, new: now } = difference(nearest.old, nearest.new);
    const more = shown.length > 1 ? ` ${shown.length - 1} more.` : "";
    place.textContent = `Line ${nearest.line}: ${old || "nothing"} becomes ${now || "nothing"}; ${nearest.why}.${more}`;
  }
}
