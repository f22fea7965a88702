/** Next edits as the server says them: which of them is shown, and when it is out of date. */

/** A line and what it is to become; counted from 0, without its line ending. */
export interface NextEdit {
  uri: string;
  line: number;
  /** Undefined in another file than was asked about. */
  old: string | undefined;
  /** May be several lines. */
  new: string;
  why: string;
}

/** What is asked of a document. */
export interface Lines {
  lineCount: number;
  lineAt(line: number): { text: string };
}

interface Place {
  line: number;
  character: number;
}

/** One edit of an answer to `hansa/nextEdit`. */
interface Said {
  uri: string;
  range: { start: Place; end: Place };
  newText: string;
  why: string;
}

const DISMISSED_MAX = 100;
const DRAWN_CHARS_MAX = 200;

/** What an answer proposes, in its order; `lines` are of the file that was asked about, as it is now. */
export function understood(answer: unknown, uri: string, lines: Lines): NextEdit[] {
  if (!Array.isArray(answer)) return [];
  return (answer as Said[]).flatMap((said): NextEdit[] => {
    const { start, end } = said.range;
    const { why } = said;
    if (start.line !== end.line) return [];
    if (said.uri !== uri) return [{ uri: said.uri, line: start.line, old: undefined, new: said.newText, why }];
    if (end.line >= lines.lineCount) return [];
    const old = lines.lineAt(start.line).text;
    const now = old.slice(0, start.character) + said.newText + old.slice(end.character);
    return now === old ? [] : [{ uri, line: start.line, old, new: now, why }];
  });
}

/** Whether its line is still as it was when the edit was found. */
export function fits(edit: NextEdit, lines: Lines): boolean {
  return edit.line < lines.lineCount && lines.lineAt(edit.line).text === edit.old;
}

/** Edits that were not wanted, told by their new texts, as lines move; the oldest are forgotten first. */
export class Dismissed {
  private readonly keys = new Set<string>();

  add(edits: readonly NextEdit[]): void {
    for (const edit of edits) this.keys.add(key(edit));
    for (const oldest of this.keys) {
      if (this.keys.size <= DISMISSED_MAX) break;
      this.keys.delete(oldest);
    }
  }

  has(edit: NextEdit): boolean {
    return this.keys.has(key(edit));
  }
}

/** Text as it can stand inside a line: VS Code drops the ends of lines there, and spaces at its ends. */
export function drawable(text: string): string {
  const short = text.length > DRAWN_CHARS_MAX ? `${text.slice(0, DRAWN_CHARS_MAX)}…` : text;
  return short.replace(/\r?\n/g, "⏎").replace(/[ \t]/g, "\u00a0");
}

function key(edit: NextEdit): string {
  return JSON.stringify([edit.uri, edit.new]);
}
