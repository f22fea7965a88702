/** Suggestions as they are handed to VS Code: a part at once, and the rest when it has come. */

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;
type Next = Parameters<Provide>[4];
type Found = Awaited<ReturnType<Next>>;

const HIDE = "editor.action.inlineSuggest.hide";
const TRIGGER = "editor.action.inlineSuggest.trigger";

interface Which {
  id?: string;
  /** Asked again for the same place, the server gives the whole. */
  more?: boolean;
}

/** `shown` is told which suggestion VS Code was given to render, and for which file. */
export function suggesting(shown: (id: string, uri: string) => void): Provide {
  return async (document, position, where, token, next) => {
    const enabled = vscode.workspace.getConfiguration("hansa", document).get("enabled", true);
    const asked = where.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    if (!enabled && !asked) return null;
    const found = await next(document, position, where, token);
    const { id, more } = which(found);
    if (id && !token.isCancellationRequested) {
      // VS Code does not say what it has rendered; the first item is what it renders.
      shown(id, document.uri.toString());
      // Not waited for, so that the part is shown meanwhile.
      if (more) void showRest(document, position, where, next, text(found)).catch(() => undefined);
    }
    return found;
  };
}

/**
 * Waits for the whole suggestion, then has VS Code ask once more: the server knows it by then.
 * VS Code cannot be handed a longer suggestion in any other way, and what it shows when it is
 * triggered stays in front of what comes; so that goes first. Whoever moves on first gets none.
 */
async function showRest(
  document: vscode.TextDocument,
  position: vscode.Position,
  where: vscode.InlineCompletionContext,
  next: Next,
  part: string | undefined,
): Promise<void> {
  const rest = new vscode.CancellationTokenSource();
  const moved = vscode.window.onDidChangeTextEditorSelection(() => rest.cancel());
  const { version } = document;
  try {
    const whole = text(await next(document, position, where, rest.token));
    const here =
      !rest.token.isCancellationRequested &&
      document.version === version &&
      vscode.window.activeTextEditor?.document === document;
    if (!here || whole === undefined || whole === part) return;
    for (const command of [HIDE, TRIGGER]) await vscode.commands.executeCommand(command);
  } finally {
    moved.dispose();
    rest.dispose();
  }
}

function first(found: Found): vscode.InlineCompletionItem | undefined {
  return (Array.isArray(found) ? found : (found?.items ?? []))[0];
}

function text(found: Found): string | undefined {
  const insert = first(found)?.insertText;
  return typeof insert === "object" ? insert.value : insert;
}

function which(found: Found): Which {
  return (first(found)?.command?.arguments?.[0] as Which | undefined) ?? {};
}
