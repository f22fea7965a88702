/** What of VS Code the suggestions use, for tests outside of it. */

export const InlineCompletionTriggerKind = { Invoke: 0, Automatic: 1 };

/** What was done, and what there is. */
export const state = {
  enabled: true,
  commands: [] as string[],
  active: undefined as unknown,
  listeners: new Set<() => void>(),
};

export class CancellationTokenSource {
  token = { isCancellationRequested: false };
  cancel(): void {
    this.token.isCancellationRequested = true;
  }
  dispose(): void {}
}

export const workspace = {
  getConfiguration: () => ({ get: () => state.enabled }),
};

export const window = {
  get activeTextEditor(): unknown {
    return state.active && { document: state.active };
  },
  onDidChangeTextEditorSelection(listener: () => void) {
    state.listeners.add(listener);
    return { dispose: () => state.listeners.delete(listener) };
  },
};

export const commands = {
  async executeCommand(name: string): Promise<void> {
    state.commands.push(name);
  },
};
