/** What VS Code is handed and asked to do, with the server and VS Code itself played here. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { CancellationToken } from "vscode";

import { suggesting } from "../src/suggesting";
import { anew, events, InlineCompletionTriggerKind, state } from "./vscode";

type Given = Parameters<ReturnType<typeof suggesting>>;

const ASKED_AGAIN = ["editor.action.inlineSuggest.hide", "editor.action.inlineSuggest.trigger"];
const PART = item("price *", true);
const WHOLE = item("price * count_all", false);

interface Request {
  token: CancellationToken;
  answer(items: unknown[] | null): void;
}

/** One file with the cursor in it, and a server that answers when the test says so. */
class Session {
  document = { version: 1, uri: "file:///a.py" };
  shown: string[] = [];
  requests: Request[] = [];
  private provide = suggesting((id, uri) => this.shown.push(`${id} in ${uri}`));

  suggest(triggerKind = InlineCompletionTriggerKind.Automatic): Promise<unknown> {
    state.active = { document: this.document };
    const next = (...given: unknown[]): Promise<unknown> =>
      new Promise((answer) => this.requests.push({ token: given[3] as CancellationToken, answer }));
    const given = [this.document, {}, { triggerKind }, { isCancellationRequested: false }, next];
    return Promise.resolve(this.provide(...(given as unknown as Given)));
  }

  async answer(number: number, items: unknown[] | null): Promise<void> {
    this.requests[number]?.answer(items);
    await settled();
  }

  /** Hands over a part; the rest is then asked for by request 1. */
  async suggestPart(): Promise<void> {
    const asked = this.suggest();
    await settled();
    await this.answer(0, [PART]);
    assert.deepEqual(await asked, [PART]);
  }
}

function item(insertText: string, more: boolean): object {
  return { insertText, command: { command: "c", title: "", arguments: [{ id: "s1", more }] } };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  anew();
});

test("a whole suggestion is asked for once", async () => {
  const session = new Session();
  const asked = session.suggest();
  await settled();
  await session.answer(0, [WHOLE]);
  assert.deepEqual(await asked, [WHOLE]);
  assert.deepEqual(session.shown, ["s1 in file:///a.py"]);
  assert.equal(session.requests.length, 1);
  assert.deepEqual(state.commands, []);
});

test("a part is handed over at once, and VS Code asks again when the rest has come", async () => {
  const session = new Session();
  await session.suggestPart();
  assert.equal(session.requests.length, 2);
  assert.deepEqual(state.commands, []);
  await session.answer(1, [WHOLE]);
  assert.deepEqual(state.commands, ASKED_AGAIN);
  assert.equal(events.selection.listeners.size, 0);
  const again = session.suggest(InlineCompletionTriggerKind.Invoke);
  await settled();
  await session.answer(2, [WHOLE]);
  assert.deepEqual(await again, [WHOLE]);
  assert.deepEqual(state.commands, ASKED_AGAIN);
});

test("who moves on before the rest has come is not shown it, and the server is told", async () => {
  const session = new Session();
  await session.suggestPart();
  events.selection.fire();
  assert.equal(session.requests[1]?.token.isCancellationRequested, true);
  await session.answer(1, [WHOLE]);
  assert.deepEqual(state.commands, []);
  assert.equal(events.selection.listeners.size, 0);
});

test("nothing is triggered in a text that changed, or in another file", async () => {
  const changed = new Session();
  await changed.suggestPart();
  changed.document.version += 1;
  await changed.answer(1, [WHOLE]);
  const left = new Session();
  await left.suggestPart();
  state.active = { document: { version: 1 } };
  await left.answer(1, [WHOLE]);
  assert.deepEqual(state.commands, []);
});

test("nothing is triggered if no more comes", async () => {
  for (const rest of [null, [], [item("price *", false)]]) {
    const session = new Session();
    await session.suggestPart();
    await session.answer(1, rest);
  }
  assert.deepEqual(state.commands, []);
});

test("where suggestions are off, only who asks by hand gets one", async () => {
  state.settings.enabled = false;
  const session = new Session();
  assert.equal(await session.suggest(), null);
  assert.equal(session.requests.length, 0);
  void session.suggest(InlineCompletionTriggerKind.Invoke);
  await settled();
  assert.equal(session.requests.length, 1);
});
