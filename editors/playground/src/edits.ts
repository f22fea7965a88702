/** Next edits, drawn on their lines: what goes is struck, what comes stands beside it. */

import { type EditorState, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import { difference } from "./text";

export interface LineEdit {
  line: number;
  old: string;
  new: string;
  why: string;
}

export const showEdits = StateEffect.define<readonly LineEdit[]>();

class Coming extends WidgetType {
  constructor(private readonly text: string) {
    super();
  }

  override eq(other: Coming): boolean {
    return other.text === this.text;
  }

  override toDOM(): HTMLElement {
    const element = document.createElement("ins");
    element.className = "cm-next-new";
    element.textContent = this.text;
    return element;
  }
}

export const edits = StateField.define<readonly LineEdit[]>({
  create: () => [],
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(showEdits)) return effect.value;
    if (!transaction.docChanged || shown.length === 0) return shown;
    if (transaction.startState.doc.lines !== transaction.state.doc.lines) return [];
    return shown.filter((each) => fits(each, transaction.state.doc));
  },
  provide: (field) =>
    EditorView.decorations.compute([field], (state) => drawn(state, state.field(field))),
});

/** Make the nearest one. False if there is none. */
export function acceptEdit(view: EditorView): boolean {
  const edit = view.state.field(edits).find((each) => fits(each, view.state.doc));
  if (edit === undefined) return false;
  const line = view.state.doc.line(edit.line);
  const { start, end, new: insert } = difference(edit.old, edit.new);
  view.dispatch({
    changes: { from: line.from + start, to: line.from + end, insert },
    effects: EditorView.scrollIntoView(line.from, { y: "nearest" }),
    userEvent: "next.accept",
  });
  return true;
}

/** Whether its line is still as it was when the edit was found. */
function fits(edit: LineEdit, doc: Text): boolean {
  return edit.line <= doc.lines && doc.line(edit.line).text === edit.old;
}

function drawn(state: EditorState, shown: readonly LineEdit[]): DecorationSet {
  const ranges = shown.flatMap((edit) => {
    if (!fits(edit, state.doc)) return [];
    const { from } = state.doc.line(edit.line);
    const { start, end, new: text } = difference(edit.old, edit.new);
    const coming = Decoration.widget({ widget: new Coming(text), side: 1 }).range(from + end);
    if (start === end) return [coming];
    const going = Decoration.mark({ class: "cm-next-old", tagName: "del" });
    return [going.range(from + start, from + end), coming];
  });
  return Decoration.set(ranges, true);
}
