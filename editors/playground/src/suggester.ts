/** Asks for what belongs at the cursor, one request at a time: the next keystroke ends the last. */

import type { EditorView, ViewUpdate } from "@codemirror/view";
import { ghost, showGhost } from "./ghost";
import type { Meter } from "./meter";
import { inWords, isAbort, type Node } from "./node";
import { characters } from "./text";

interface Suggested {
  text: string;
  latency_ms: number;
  route: string;
  cached: boolean;
  id: string;
  /** The model has not ended. */
  more: boolean;
}

export class Suggester {
  private running: AbortController | null = null;
  private rejected = "";
  private readonly page = crypto.getRandomValues(new Uint32Array(2)).join("-");

  constructor(
    private readonly node: Node,
    private readonly meter: Meter,
    private readonly path: () => string,
    private readonly say: (text: string) => void,
  ) {}

  update(update: ViewUpdate): void {
    if (!update.docChanged) {
      if (update.selectionSet) this.giveUp();
      return;
    }
    const typed = update.transactions.some(
      (each) => each.isUserEvent("input") || each.isUserEvent("delete"),
    );
    this.giveUp();
    // A suggestion that is typed into shrinks in the page; nobody has to be asked.
    if (typed && update.state.field(ghost) === null) void this.ask(update.view, false);
  }

  giveUp(): void {
    this.running?.abort();
    this.running = null;
  }

  /** It is not wanted, nor what is on its way. */
  dismiss(view: EditorView): boolean {
    const shown = view.state.field(ghost);
    this.giveUp();
    if (shown === null) return false;
    this.rejected = shown.id;
    view.dispatch({ effects: showGhost.of(null) });
    return true;
  }

  /** `rest`: part of it is shown already, and the whole is asked for. */
  async ask(view: EditorView, invoked: boolean, rest = false): Promise<void> {
    this.giveUp();
    if (!this.node.hasKey) return this.say("Type an API key to get suggestions.");
    const { main } = view.state.selection;
    if (!main.empty || view.composing) return;
    const controller = (this.running = new AbortController());
    const began = performance.now();
    const text = view.state.doc.toString();
    const body = {
      path: this.path(),
      text,
      cursor: characters(text.slice(0, main.head)),
      invoked,
      page: this.page,
      rejected: this.rejected,
    };
    try {
      const response = await this.node.post("/hansa/v1/playground/complete", body, controller.signal);
      const done = (await response.json()) as Suggested;
      if (this.running !== controller) return;
      this.running = null;
      this.rejected = "";
      this.say(done.text ? "" : invoked ? "The model has nothing for this place." : "");
      if (!done.text) return;
      view.dispatch({ effects: showGhost.of({ pos: main.head, text: done.text, id: done.id }) });
      if (!rest) this.meter.add(performance.now() - began, done.latency_ms, done.cached ? "the cache" : done.route);
      if (done.more) await this.ask(view, invoked, true);
    } catch (error) {
      if (isAbort(error) || this.running !== controller) return;
      this.running = null;
      this.say(inWords(error));
    }
  }
}
