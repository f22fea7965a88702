/** An editor with one file in it, as VS Code would have it. */

import { events, Position, Range, Selection, state } from "./vscode";

interface Drawn {
  range: Range;
  renderOptions?: { after: { contentText: string } };
}

interface Look {
  textDecoration?: string;
  after?: { fontStyle?: string };
}

export class Editor {
  lines: string[];
  version = 1;
  visibleRanges = [new Range(0, 0, 99, 0)];
  revealed: Range[] = [];
  /** Of kind `going`, `coming` and `hint`. */
  drawn: Record<string, string[]> = {};
  /** Called when something is drawn or taken away. */
  onDrawn = (): void => {};
  private selected = new Selection(0, 0, 0, 0);
  readonly document: object;

  constructor(
    text: string,
    readonly uri = "file:///a.py",
  ) {
    this.lines = text.split("\n");
    const lineAt = (line: number): object => {
      const whole = this.lines[line];
      if (whole === undefined) throw new RangeError(`no line ${line}`);
      return { text: whole, range: new Range(line, 0, line, whole.length) };
    };
    const count = (): number => this.lines.length;
    this.document = {
      lineAt,
      uri: { scheme: uri.slice(0, uri.indexOf(":")), toString: () => uri },
      get lineCount() {
        return count();
      },
    };
    state.active = this;
  }

  get selection(): Selection {
    return this.selected;
  }

  set selection(selection: Selection) {
    this.selected = selection;
    events.selection.fire({ textEditor: this });
  }

  get cursor(): [number, number] {
    return [this.selected.active.line, this.selected.active.character];
  }

  /** Replaces text in one line, as who types does; the cursor ends behind it. */
  type(line: number, start: number, end: number, text: string): void {
    const range = new Range(line, start, line, end);
    this.replace(range, text);
    this.move(line, start + text.length);
  }

  move(line: number, character: number): void {
    const place = new Position(line, character);
    this.selection = new Selection(place, place);
  }

  scroll(first: number, last: number): void {
    this.visibleRanges = [new Range(first, 0, last, 0)];
    events.visible.fire({ textEditor: this });
  }

  async edit(make: (builder: object) => void): Promise<boolean> {
    make({ replace: (range: Range, text: string) => this.replace(range, text) });
    return true;
  }

  revealRange(range: Range): void {
    this.revealed.push(range);
  }

  setDecorations(look: Look, shown: Drawn[]): void {
    const kind = look.textDecoration ? "going" : look.after?.fontStyle ? "coming" : "hint";
    this.drawn[kind] = shown.map(({ range, renderOptions }) => {
      const within = (this.lines[range.start.line] ?? "").slice(range.start.character, range.end.character);
      return `${range.start.line}: ${renderOptions?.after.contentText ?? within}`;
    });
    this.onDrawn();
  }

  private replace(range: Range, text: string): void {
    const first = this.lines[range.start.line] ?? "";
    const last = this.lines[range.end.line] ?? "";
    const now = first.slice(0, range.start.character) + text + last.slice(range.end.character);
    this.lines.splice(range.start.line, range.end.line - range.start.line + 1, ...now.split("\n"));
    this.version += 1;
    events.text.fire({ document: this.document, contentChanges: [{ range, text }] });
  }
}
