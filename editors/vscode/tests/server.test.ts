/** The same with the real server, if the environment variable HANSA says which: a rename is followed to its end. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
// Comes with vscode-languageclient, which speaks to the server by it.
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";

import { Following } from "../src/following";
import { Editor } from "./editor";
import { anew, events } from "./vscode";

const TEXT = "def total(n):\n    return n\n\n\nprint(total(1))\nprint(total(2))\n";

const { HANSA } = process.env;

test("a rename is followed through", { skip: !HANSA, timeout: 60_000 }, async (t) => {
  anew();
  const server = spawn(HANSA ?? "", ["lsp", "--no-index"], { stdio: ["pipe", "pipe", "ignore"] });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  t.after(() => {
    connection.dispose();
    server.kill();
  });
  connection.listen();
  await connection.sendRequest("initialize", { processId: null, rootUri: null, capabilities: {} });
  await connection.sendNotification("initialized", {});
  const editor = new Editor(TEXT);
  const textDocument = { uri: editor.uri, languageId: "python", version: 1, text: TEXT };
  await connection.sendNotification("textDocument/didOpen", { textDocument });
  events.text.listen((what) => {
    const { contentChanges } = what as { contentChanges: object[] };
    const changed = { uri: editor.uri, version: editor.version };
    void connection.sendNotification("textDocument/didChange", { textDocument: changed, contentChanges });
  });
  const following = new Following((question, token) =>
    connection.sendRequest("hansa/nextEdit", question, token),
  );
  editor.type(0, 4, 9, "price");
  for (const line of [4, 5]) {
    await drawn(editor, `${line}: price`);
    await following.accept();
  }
  assert.deepEqual(editor.lines.slice(4, 6), ["print(price(1))", "print(price(2))"]);
  following.dispose();
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
});

/** Ends when that is what is to come. */
function drawn(editor: Editor, what: string): Promise<void> {
  return new Promise((resolve) => {
    editor.onDrawn = () => {
      if (editor.drawn.coming?.[0] === what) resolve();
    };
    editor.onDrawn();
  });
}
