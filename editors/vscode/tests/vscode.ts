/** What of VS Code the extension's parts use, for tests outside of it. */

export const InlineCompletionTriggerKind = { Invoke: 0, Automatic: 1 };
export const TextEditorRevealType = { InCenterIfOutsideViewport: 2 };

/** What was done, and what there is. */
export const state = {
  settings: {} as Record<string, boolean>,
  commands: [] as string[],
  contexts: {} as Record<string, unknown>,
  active: undefined as unknown,
  /** Whether that an editor is in front is told after it was shown. */
  tellsLate: false,
  /** The files there are, by URI. */
  files: {} as Record<string, () => unknown>,
};

class Happening {
  listeners = new Set<(what: unknown) => void>();
  listen = (listener: (what: unknown) => void) => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
  fire(what?: unknown): void {
    for (const listener of this.listeners) listener(what);
  }
}

export const events = {
  text: new Happening(),
  settings: new Happening(),
  active: new Happening(),
  selection: new Happening(),
  visible: new Happening(),
};

/** Forgets all that was. */
export function anew(): void {
  Object.assign(state, { settings: {}, commands: [], contexts: {}, active: undefined, tellsLate: false, files: {} });
  for (const each of Object.values(events)) each.listeners.clear();
}

export class CancellationTokenSource {
  private readonly cancelled = new Happening();
  token = { isCancellationRequested: false, onCancellationRequested: this.cancelled.listen };
  cancel(): void {
    this.token.isCancellationRequested = true;
    this.cancelled.fire();
  }
  dispose(): void {}
}

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(...given: [Position, Position] | [number, number, number, number]) {
    const [start, end] =
      given.length === 2
        ? given
        : [new Position(given[0], given[1]), new Position(given[2], given[3])];
    this.start = start;
    this.end = end;
  }
}

/** From where it began to where the cursor is. */
export class Selection extends Range {
  get active(): Position {
    return this.end;
  }
  get isEmpty(): boolean {
    return this.start.line === this.end.line && this.start.character === this.end.character;
  }
}

export class ThemeColor {
  constructor(readonly id: string) {}
}

export const Uri = { parse: (uri: string): string => uri };

export const workspace = {
  asRelativePath: (uri: string) => uri.replace("file:///", ""),
  async openTextDocument(uri: string): Promise<string> {
    if (!state.files[uri]) throw new Error(`cannot open ${uri}`);
    return uri;
  },
  getConfiguration: () => ({
    get: (name: string, otherwise: boolean) => state.settings[name] ?? otherwise,
  }),
  onDidChangeTextDocument: events.text.listen,
  onDidChangeConfiguration: events.settings.listen,
};

export const window = {
  get activeTextEditor(): unknown {
    return state.active;
  },
  async showTextDocument(uri: string): Promise<unknown> {
    const editor = state.files[uri]?.();
    if (state.tellsLate) setImmediate(() => events.active.fire(editor));
    else events.active.fire(editor);
    return editor;
  },
  createTextEditorDecorationType: (look: object) => ({ ...look, dispose() {} }),
  onDidChangeActiveTextEditor: events.active.listen,
  onDidChangeTextEditorSelection: events.selection.listen,
  onDidChangeTextEditorVisibleRanges: events.visible.listen,
};

export const commands = {
  async executeCommand(name: string, key?: string, value?: unknown): Promise<void> {
    if (name === "setContext" && key) state.contexts[key] = value;
    else state.commands.push(name);
  },
};
