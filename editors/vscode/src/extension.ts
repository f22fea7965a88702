/** Hansa in VS Code: starts `hansa lsp` and leaves everything that matters to it. */

import * as vscode from "vscode";
import { Executable, LanguageClient, State } from "vscode-languageclient/node";

import { Following, SCHEMES } from "./following";
import { suggesting } from "./suggesting";

const EDIT = "hansa.edit";
/** Commands of the server, and what it asks the editor to do. */
const ASK_FOR_EDIT = "hansa.askForEdit";
const EXPLAIN = "hansa.explain";
const STATUS = "hansa.status";
const SHOWN = "hansa/shown";
const NEXT_EDIT = "hansa/nextEdit";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const register = (name: string, run: (...given: unknown[]) => unknown): void => {
    context.subscriptions.push(vscode.commands.registerCommand(name, run));
  };
  register("hansa.editSelection", () => editSelection());
  register(ASK_FOR_EDIT, (where) => askForEdit(where as Where));
  register("hansa.explainLatest", () => showAnswer(EXPLAIN));
  register("hansa.showStatus", () => showAnswer(STATUS));
  register("hansa.restart", () => restart(context));
  const following = new Following(async (question, token) => {
    if (client?.state !== State.Running) return null;
    return client.sendRequest(NEXT_EDIT, question, token);
  });
  register("hansa.acceptNextEdit", () => following.accept());
  register("hansa.dismissNextEdit", () => following.dismiss());
  context.subscriptions.push(
    following,
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("hansa.command")) void restart(context);
    }),
  );
  await start(context);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

async function start(context: vscode.ExtensionContext): Promise<void> {
  const [command, ...args] = vscode.workspace
    .getConfiguration("hansa")
    .get<string[]>("command", ["hansa", "lsp"]);
  if (!command) {
    void vscode.window.showErrorMessage("Hansa: the setting hansa.command is empty");
    return;
  }
  // A named transport adds a flag of its own (`--stdio`) to what hansa.command says; none is stdio too.
  const run: Executable = { command, args };
  const made = new LanguageClient("hansa", "Hansa", run, {
    documentSelector: SCHEMES.map((scheme) => ({ scheme })),
    initializationOptions: { asks: true },
    middleware: {
      provideInlineCompletionItems: suggesting((id, uri) => {
        void made.sendNotification(SHOWN, { id, uri });
      }),
    },
  });
  client = made;
  context.subscriptions.push(made);
  try {
    await made.start();
  } catch (error) {
    void vscode.window.showErrorMessage(
      `Hansa: ${command} did not start (${String(error)}); install hansa, or set hansa.command`,
    );
  }
}

async function restart(context: vscode.ExtensionContext): Promise<void> {
  const old = client;
  client = undefined;
  await old?.stop().catch(() => undefined);
  await start(context);
}

interface Where {
  uri: string;
  /** First and last, counted from 1. */
  lines?: [number, number];
}

async function editSelection(): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return;
  const { start, end, isEmpty } = editor.selection;
  const uri = editor.document.uri.toString();
  const last = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  await askForEdit(isEmpty ? { uri } : { uri, lines: [start.line + 1, last] });
}

async function askForEdit(where: Where): Promise<void> {
  const instruction = await vscode.window.showInputBox({
    prompt: "What is to be changed?",
    placeHolder: "add a docstring to total",
  });
  if (!instruction?.trim()) return;
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "Hansa edits" },
    () => ask(EDIT, { ...where, instruction }),
  );
}

async function showAnswer(command: string): Promise<void> {
  const said = await ask(command);
  if (said === undefined) return;
  const text = Array.isArray(said) ? said.join("\n") : JSON.stringify(said, null, 2);
  const document = await vscode.workspace.openTextDocument({ content: text });
  await vscode.window.showTextDocument(document, { preview: true });
}

async function ask(command: string, argument?: object): Promise<unknown> {
  if (!client || client.state !== State.Running) {
    void vscode.window.showWarningMessage("Hansa: the language server is not running");
    return undefined;
  }
  try {
    return await client.sendRequest("workspace/executeCommand", {
      command,
      arguments: argument ? [argument] : [],
    });
  } catch (error) {
    void vscode.window.showErrorMessage(`Hansa: ${String(error)}`);
    return undefined;
  }
}
