/** Asks what follows from the latest edits, after a pause, and shows the nearest as a diff on its line. */

import * as vscode from "vscode";

import { difference } from "../../playground/src/text";
import { Dismissed, drawable, fits, type NextEdit, understood } from "./edits";

/** `hansa/nextEdit`, as a place in a text. */
export interface Question {
  textDocument: { uri: string };
  position: { line: number; character: number };
}

/** Rejects, or answers with nothing, where the server cannot say. */
export type Ask = (question: Question, token: vscode.CancellationToken) => Promise<unknown>;

/** The files the language server is told of. */
export const SCHEMES = ["file", "untitled"];

const PAUSE_MS = 300;

/** For the `when` of keys: one is shown; the cursor is on its line. */
const SHOWN = "hansa.nextEditShown";
const HERE = "hansa.nextEditHere";

interface Shown {
  editor: vscode.TextEditor;
  /** May be in another file. */
  edit: NextEdit;
  /** All of the answer. */
  found: NextEdit[];
}

export class Following implements vscode.Disposable {
  private shown: Shown | undefined;
  private timer: NodeJS.Timeout | undefined;
  private source: vscode.CancellationTokenSource | undefined;
  /** Ends with the latest request; never rejects. */
  private running: Promise<unknown> = Promise.resolve();
  /** Of the latest change or question; an answer to an earlier one is out of date. */
  private number = 0;
  /** Was opened for an edit in it; VS Code may tell only later that it is in front. */
  private goal: vscode.TextEditor | undefined;
  private readonly dismissed = new Dismissed();
  private readonly contexts = new Map<string, boolean>();
  private readonly listeners: vscode.Disposable[];
  private readonly going = vscode.window.createTextEditorDecorationType({
    textDecoration: "line-through",
    backgroundColor: new vscode.ThemeColor("diffEditor.removedTextBackground"),
  });
  private readonly coming = vscode.window.createTextEditorDecorationType({
    after: {
      backgroundColor: new vscode.ThemeColor("diffEditor.insertedTextBackground"),
      fontStyle: "italic",
    },
  });
  /** Beside the cursor, while the edit itself is out of sight. */
  private readonly hint = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor("editorGhostText.foreground"), margin: "0 0 0 2em" },
  });

  constructor(private readonly request: Ask) {
    const { window, workspace } = vscode;
    this.listeners = [
      workspace.onDidChangeTextDocument((change) => {
        // Saving a file is such an event, too.
        if (change.contentChanges.length > 0) this.changed(change.document);
      }),
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("hansa")) this.giveUp();
      }),
      window.onDidChangeActiveTextEditor((editor) => {
        const isGoal = editor !== undefined && editor === this.goal;
        this.goal = undefined;
        if (isGoal) void this.ask();
        else this.giveUp();
      }),
      window.onDidChangeTextEditorSelection(() => this.draw()),
      window.onDidChangeTextEditorVisibleRanges(() => this.draw()),
    ];
  }

  dispose(): void {
    this.giveUp();
    for (const each of [...this.listeners, this.going, this.coming, this.hint]) each.dispose();
  }

  /** Makes the edit and goes there, then looks for the next; what is out of sight, or in another file, is gone to first. */
  async accept(): Promise<void> {
    if (!this.shown) return;
    const { editor, edit } = this.shown;
    if (edit.old === undefined) {
      await this.open(edit);
      return;
    }
    const { start, end, new: text } = difference(edit.old, edit.new);
    const place = new vscode.Range(edit.line, start, edit.line, end);
    if (!here(this.shown) && !inSight(this.shown)) {
      goTo(editor, place.start);
      return;
    }
    this.giveUp();
    if (!fits(edit, editor.document)) return;
    if (!(await editor.edit((change) => change.replace(place, text)))) return;
    const lines = text.split(/\r?\n/);
    const last = lines.at(-1) ?? "";
    const column = lines.length === 1 ? start + last.length : last.length;
    goTo(editor, new vscode.Position(edit.line + lines.length - 1, column));
    await this.ask();
  }

  /** Takes it away; what was found is not shown again. */
  dismiss(): void {
    if (this.shown) this.dismissed.add(this.shown.found);
    this.giveUp();
  }

  /** Goes to another file and asks there, where the edit is then the nearest if it still fits. */
  private async open({ uri, line }: NextEdit): Promise<void> {
    this.giveUp();
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
    const editor = await vscode.window.showTextDocument(document);
    goTo(editor, new vscode.Position(line, 0));
    this.goal = editor;
    await this.ask();
  }

  private changed(document: vscode.TextDocument): void {
    if (vscode.window.activeTextEditor?.document !== document) return;
    this.giveUp();
    this.timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  private giveUp(): void {
    this.number += 1;
    clearTimeout(this.timer);
    this.source?.cancel();
    this.show(undefined);
  }

  private async ask(): Promise<void> {
    this.giveUp();
    const { number } = this;
    await this.running; // It is cancelled; the server has one question at a time.
    const editor = vscode.window.activeTextEditor;
    if (number !== this.number || !editor || !wanted(editor.document)) return;
    const asked = this.found(editor);
    this.running = asked;
    const found = await asked;
    const edit = found.find((each) => !this.dismissed.has(each));
    if (edit && number === this.number) this.show({ editor, edit, found });
  }

  /** Nobody is told of a server that cannot answer: nobody asked. */
  private async found(editor: vscode.TextEditor): Promise<NextEdit[]> {
    const source = new vscode.CancellationTokenSource();
    this.source = source;
    const { line, character } = editor.selection.active;
    const uri = uriOf(editor);
    try {
      const question = { textDocument: { uri }, position: { line, character } };
      return understood(await this.request(question, source.token), uri, editor.document);
    } catch {
      return [];
    } finally {
      source.dispose();
    }
  }

  private show(shown: Shown | undefined): void {
    const before = this.shown;
    this.shown = shown;
    if (before && before.editor !== shown?.editor) this.clear(before.editor);
    this.draw();
  }

  private clear(editor: vscode.TextEditor): void {
    for (const each of [this.going, this.coming, this.hint]) editor.setDecorations(each, []);
  }

  private draw(): void {
    const { shown } = this;
    this.tell(SHOWN, shown !== undefined);
    this.tell(HERE, shown !== undefined && here(shown));
    if (!shown) return;
    const { editor, edit } = shown;
    const cursor = editor.document.lineAt(editor.selection.active.line).range;
    const beside = new vscode.Range(cursor.end, cursor.end);
    const place = `line ${edit.line + 1}, ${edit.why}`;
    if (edit.old === undefined) {
      const name = vscode.workspace.asRelativePath(vscode.Uri.parse(edit.uri), false);
      editor.setDecorations(this.hint, [written(beside, `next edit: ${name}, ${place}`)]);
      return;
    }
    const { start, end, new: text } = difference(edit.old, edit.new);
    const range = new vscode.Range(edit.line, start, edit.line, end);
    const after = new vscode.Range(edit.line, end, edit.line, end);
    editor.setDecorations(this.going, start === end ? [] : [{ range, hoverMessage: edit.why }]);
    editor.setDecorations(this.coming, text ? [written(after, text)] : []);
    const hint = written(beside, `next edit: ${place}`);
    editor.setDecorations(this.hint, inSight(shown) ? [] : [hint]);
  }

  private tell(name: string, holds: boolean): void {
    if (this.contexts.get(name) === holds) return;
    this.contexts.set(name, holds);
    void vscode.commands.executeCommand("setContext", name, holds);
  }
}

function wanted(document: vscode.TextDocument): boolean {
  const settings = vscode.workspace.getConfiguration("hansa", document);
  const on = settings.get("enabled", true) && settings.get("nextEdits", true);
  return on && SCHEMES.includes(document.uri.scheme);
}

function here({ editor, edit }: Shown): boolean {
  const { isEmpty, active } = editor.selection;
  return edit.old !== undefined && isEmpty && active.line === edit.line;
}

function inSight({ editor, edit }: Shown): boolean {
  return editor.visibleRanges.some(
    ({ start, end }) => start.line <= edit.line && edit.line <= end.line,
  );
}

function goTo(editor: vscode.TextEditor, place: vscode.Position): void {
  editor.selection = new vscode.Selection(place, place);
  editor.revealRange(
    new vscode.Range(place, place),
    vscode.TextEditorRevealType.InCenterIfOutsideViewport,
  );
}

function written(range: vscode.Range, text: string): vscode.DecorationOptions {
  return { range, renderOptions: { after: { contentText: drawable(text) } } };
}

function uriOf(editor: vscode.TextEditor): string {
  return editor.document.uri.toString();
}
