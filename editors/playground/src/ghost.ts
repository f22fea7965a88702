/** Ghost text: what is suggested at the cursor, shown but not there until it is accepted. */

import { StateEffect, StateField, type Transaction } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";
import { firstWord } from "./text";

export interface Ghost {
  pos: number;
  text: string;
  id: string;
}

export const showGhost = StateEffect.define<Ghost | null>();

class GhostText extends WidgetType {
  constructor(private readonly text: string) {
    super();
  }

  override eq(other: GhostText): boolean {
    return other.text === this.text;
  }

  override toDOM(): HTMLElement {
    const element = document.createElement("span");
    element.className = "cm-ghost";
    element.textContent = this.text;
    element.setAttribute("aria-hidden", "true");
    return element;
  }

  /** Typed into, the element stays and only its text shrinks: nothing flickers. */
  override updateDOM(dom: HTMLElement): boolean {
    dom.textContent = this.text;
    return true;
  }
}

export const ghost = StateField.define<Ghost | null>({
  create: () => null,
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(showGhost)) return effect.value;
    if (shown === null) return null;
    if (transaction.docChanged) return typedInto(shown, transaction);
    return transaction.state.selection.main.head === shown.pos ? shown : null;
  },
  provide: (field) =>
    EditorView.decorations.from(field, (shown) => {
      if (shown === null) return Decoration.none;
      const widget = Decoration.widget({ widget: new GhostText(shown.text), side: 1 });
      return Decoration.set([widget.range(shown.pos)]);
    }),
});

/** Insert all of it. False if there is none, so that the key does what else it does. */
export function acceptGhost(view: EditorView): boolean {
  const shown = view.state.field(ghost);
  return shown !== null && insert(view, shown, shown.text);
}

export function acceptWord(view: EditorView): boolean {
  const shown = view.state.field(ghost);
  return shown !== null && insert(view, shown, firstWord(shown.text));
}

function insert(view: EditorView, shown: Ghost, text: string): boolean {
  const rest = shown.text.slice(text.length);
  const pos = shown.pos + text.length;
  view.dispatch({
    changes: { from: shown.pos, insert: text },
    selection: { anchor: pos },
    effects: showGhost.of(rest ? { pos, text: rest, id: shown.id } : null),
    userEvent: "input.complete",
    scrollIntoView: true,
  });
  return true;
}

/** What is left of it when its own beginning was typed; null if something else was. */
function typedInto(shown: Ghost, transaction: Transaction): Ghost | null {
  let typed: string | null = null;
  let changes = 0;
  transaction.changes.iterChanges((from, to, _start, _end, inserted) => {
    changes++;
    if (from === shown.pos && to === shown.pos) typed = inserted.toString();
  });
  if (changes !== 1 || typed === null || !shown.text.startsWith(typed)) return null;
  const { length } = typed as string;
  const rest = shown.text.slice(length);
  return rest ? { pos: shown.pos + length, text: rest, id: shown.id } : null;
}
