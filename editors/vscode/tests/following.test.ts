/** When the server is asked, what is drawn, and what the keys do; server and VS Code are played here. */

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import type { CancellationToken } from "vscode";

import { Following, type Question } from "../src/following";
import { Editor } from "./editor";
import { anew, events, Selection, state } from "./vscode";

const TEXT = ["def total(n):", "    return n", "", "print(total(1))", "print(total(2))"].join("\n");
const WHY = "total is called price now";
const NOTHING = { going: [], coming: [], hint: [] };

interface Request {
  question: Question;
  token: CancellationToken;
  answer(edits: unknown): Promise<void>;
  fail(): Promise<void>;
}

/** A function that is renamed, and a server that answers when the test says so. */
class Session {
  requests: Request[] = [];
  editor: Editor;
  following = new Following(
    (question, token) =>
      new Promise((resolve, reject) => {
        const answer = (edits: unknown): Promise<void> => (resolve(edits), settled());
        const fail = (): Promise<void> => (reject(new Error("method not found")), settled());
        this.requests.push({ question, token, answer, fail });
      }),
  );

  constructor(uri?: string) {
    this.editor = new Editor(TEXT, uri);
  }

  /** As far as it goes while the server has not answered. */
  async accept(): Promise<void> {
    void this.following.accept();
    await settled();
  }

  /** Renames, and lets the pause pass. */
  async rename(): Promise<void> {
    this.editor.type(0, 4, 9, "price");
    await pause();
  }

  async renamed(): Promise<void> {
    await this.rename();
    await this.requests.at(-1)?.answer([use(3, 1), use(4, 2)]);
  }
}

function use(line: number, n: number): object {
  const range = { start: { line, character: 0 }, end: { line, character: 15 } };
  return { uri: "file:///a.py", range, newText: `print(price(${n}))`, why: WHY };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function pause(): Promise<void> {
  mock.timers.tick(300);
  await settled();
}

beforeEach(() => {
  anew();
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("after a pause the server is asked once, from where the cursor is", async () => {
  const { editor, requests } = new Session();
  editor.type(0, 4, 9, "p");
  mock.timers.tick(299);
  editor.type(0, 5, 5, "rice");
  mock.timers.tick(299);
  assert.equal(requests.length, 0);
  mock.timers.tick(1);
  await settled();
  assert.deepEqual(
    requests.map(({ question }) => question),
    [{ textDocument: { uri: "file:///a.py" }, position: { line: 0, character: 9 } }],
  );
});

test("the nearest is drawn as a diff on its line", async () => {
  const session = new Session();
  await session.renamed();
  assert.deepEqual(session.editor.drawn, {
    going: ["3: total"],
    coming: ["3: price"],
    hint: [],
  });
  assert.deepEqual(state.contexts, {
    "hansa.nextEditShown": true,
    "hansa.nextEditHere": false,
  });
});

test("only what comes is drawn where nothing goes", async () => {
  const session = new Session();
  await session.rename();
  const range = { start: { line: 2, character: 0 }, end: { line: 2, character: 0 } };
  await session.requests[0]?.answer([{ ...use(2, 0), range, newText: "@cache" }]);
  assert.deepEqual(session.editor.drawn, { going: [], coming: ["2: @cache"], hint: [] });
});

test("one key makes it and goes there, and the next is asked for at once", async () => {
  const session = new Session();
  const { editor, requests } = session;
  await session.renamed();
  await session.accept();
  assert.equal(editor.lines[3], "print(price(1))");
  assert.deepEqual(editor.cursor, [3, 11]);
  assert.deepEqual(editor.drawn, NOTHING);
  assert.deepEqual(requests[1]?.question.position, { line: 3, character: 11 });
  await requests[1]?.answer([use(4, 2)]);
  await session.accept();
  assert.equal(editor.lines[4], "print(price(2))");
  await pause();
  assert.equal(requests.length, 3);
});

test("several lines are drawn as one, and the cursor ends in the last", async () => {
  const session = new Session();
  await session.rename();
  const text = "print(total(1))\nprint(price)";
  await session.requests[0]?.answer([{ ...use(3, 1), newText: text }]);
  assert.deepEqual(session.editor.drawn.coming, ["3: ⏎print(price)"]);
  await session.accept();
  assert.deepEqual(session.editor.lines.slice(3, 5), text.split("\n"));
  assert.deepEqual(session.editor.cursor, [4, 12]);
});

test("what is out of sight is named beside the cursor, and gone to before it is made", async () => {
  const session = new Session();
  const { editor } = session;
  editor.scroll(0, 2);
  await session.renamed();
  const said = editor.drawn.hint?.map((text) => text.replaceAll("\u00a0", " "));
  assert.deepEqual(said, [`0: next edit: line 4, ${WHY}`]);
  await session.accept();
  assert.equal(editor.lines[3], "print(total(1))");
  assert.deepEqual(editor.cursor, [3, 6]);
  assert.equal(editor.revealed.length, 1);
  assert.equal(state.contexts["hansa.nextEditHere"], true);
  editor.scroll(1, 4);
  assert.deepEqual(editor.drawn.hint, []);
  await session.accept();
  assert.equal(editor.lines[3], "print(price(1))");
});

for (const tellsLate of [false, true]) {
  const when = tellsLate ? "after" : "before";
  test(`another file is named, opened by the key, and its edit made by the next; told ${when} it is shown`, async () => {
    const session = new Session();
    const { editor, requests } = session;
    let other: Editor | undefined;
    state.tellsLate = tellsLate;
    state.files["file:///b.py"] = () => (other = new Editor("import a\n\nprint(total(3))", "file:///b.py"));
    const edit = { ...use(2, 3), uri: "file:///b.py" };
    await session.rename();
    await requests[0]?.answer([edit]);
    const said = editor.drawn.hint?.map((text) => text.replaceAll("\u00a0", " "));
    assert.deepEqual(said, [`0: next edit: b.py, line 3, ${WHY}`]);
    assert.deepEqual([editor.drawn.going, editor.drawn.coming], [undefined, undefined]);
    editor.move(2, 0);
    assert.equal(state.contexts["hansa.nextEditHere"], false);

    await session.accept();
    assert.deepEqual(editor.drawn, NOTHING);
    assert.ok(other);
    assert.deepEqual(other.cursor, [2, 0]);
    await settled();
    for (const each of requests.slice(1)) await each.answer([edit]);
    assert.deepEqual(requests.at(-1)?.question, {
      textDocument: { uri: "file:///b.py" },
      position: { line: 2, character: 0 },
    });
    await requests.at(-1)?.answer([edit]);
    assert.deepEqual(other.drawn, { going: ["2: total"], coming: ["2: price"], hint: [] });
    await session.accept();
    assert.equal(other.lines[2], "print(price(3))");
  });
}

test("another file that was dismissed is not named again", async () => {
  const session = new Session();
  const edit = { ...use(2, 3), uri: "file:///b.py" };
  await session.rename();
  await session.requests[0]?.answer([edit]);
  session.following.dismiss();
  session.editor.type(2, 0, 0, "x");
  await pause();
  await session.requests[1]?.answer([edit]);
  assert.deepEqual(session.editor.drawn, NOTHING);
});

test("the hint goes where the cursor goes", async () => {
  const session = new Session();
  session.editor.scroll(0, 2);
  await session.renamed();
  session.editor.move(1, 2);
  assert.match(session.editor.drawn.hint?.[0] ?? "", /^1: /);
});

test("tab is the edit's only while the bare cursor is on its line", async () => {
  const session = new Session();
  const { editor } = session;
  await session.renamed();
  editor.move(3, 0);
  assert.equal(state.contexts["hansa.nextEditHere"], true);
  editor.selection = new Selection(3, 0, 3, 5);
  assert.equal(state.contexts["hansa.nextEditHere"], false);
});

test("typing on takes it away, cancels what was asked, and asks anew when that has ended", async () => {
  const session = new Session();
  const { editor, requests } = session;
  await session.rename();
  editor.type(0, 9, 9, "s");
  assert.equal(requests[0]?.token.isCancellationRequested, true);
  await pause();
  assert.equal(requests.length, 1);
  await requests[0]?.answer([use(3, 1)]);
  assert.deepEqual(editor.drawn, {});
  assert.equal(requests.length, 2);
  await requests[1]?.answer([use(3, 1)]);
  editor.type(0, 10, 10, "x");
  assert.deepEqual(editor.drawn, NOTHING);
  assert.equal(state.contexts["hansa.nextEditShown"], false);
});

test("of several questions that wait for one, only the latest is asked", async () => {
  const session = new Session();
  await session.rename();
  for (const letter of "xyz") {
    session.editor.type(2, 0, 0, letter);
    await pause();
  }
  await session.requests[0]?.fail();
  assert.equal(session.requests.length, 2);
});

test("saving changes nothing", async () => {
  const session = new Session();
  await session.renamed();
  events.text.fire({ document: session.editor.document, contentChanges: [] });
  await pause();
  assert.deepEqual(session.editor.drawn.going, ["3: total"]);
  assert.equal(session.requests.length, 1);
});

test("who leaves the file or switches it off is shown nothing", async () => {
  const left = new Session();
  await left.rename();
  state.active = undefined;
  events.active.fire();
  await left.requests[0]?.answer([use(3, 1)]);
  assert.deepEqual(left.editor.drawn, {});
  for (const setting of ["enabled", "nextEdits"]) {
    const session = new Session();
    await session.renamed();
    state.settings[setting] = false;
    events.settings.fire({ affectsConfiguration: () => true });
    assert.deepEqual(session.editor.drawn, NOTHING);
    session.editor.type(1, 0, 0, "x");
    await pause();
    assert.equal(session.requests.length, 1);
    state.settings = {};
    session.following.dispose();
  }
});

test("the server is asked of no other kind of document, and of none that is not in front", async () => {
  const output = new Session("output:log");
  await output.rename();
  assert.equal(output.requests.length, 0);
  output.following.dispose();
  const other = new Editor(TEXT);
  const session = new Session();
  events.text.fire({ document: other.document, contentChanges: [{}] });
  await pause();
  assert.equal(session.requests.length, 0);
});

test("a server that cannot answer is asked again after the next edit, and nobody is told", async () => {
  const session = new Session();
  await session.rename();
  await session.requests[0]?.fail();
  for (const nothing of [null, undefined, [], [{}], "?"]) {
    session.editor.type(2, 0, 0, "x");
    await pause();
    await session.requests.at(-1)?.answer(nothing);
  }
  assert.equal(session.requests.length, 6);
  assert.deepEqual(session.editor.drawn, {});
  assert.deepEqual(state.commands, []);
});

test("what was dismissed is not shown again, nor what was found with it", async () => {
  const session = new Session();
  await session.renamed();
  session.following.dismiss();
  assert.deepEqual(session.editor.drawn, NOTHING);
  assert.equal(state.contexts["hansa.nextEditShown"], false);
  session.editor.type(2, 0, 0, "x");
  await pause();
  await session.requests[1]?.answer([use(3, 1), use(4, 2)]);
  assert.deepEqual(session.editor.drawn, NOTHING);
  session.editor.type(2, 0, 1, "y");
  await pause();
  await session.requests[2]?.answer([use(3, 1), { ...use(4, 2), newText: "print(cost(2))" }]);
  assert.deepEqual(session.editor.drawn.coming, ["4: cost"]);
});

test("what fits no more is not made", async () => {
  const session = new Session();
  await session.renamed();
  session.editor.lines[3] = "print(total(17))"; // VS Code has not told of it yet.
  await session.accept();
  assert.equal(session.editor.lines[3], "print(total(17))");
  assert.deepEqual(session.editor.drawn, NOTHING);
});

test("without one, the keys do nothing", async () => {
  const session = new Session();
  await session.accept();
  session.following.dismiss();
  assert.equal(session.editor.lines.join("\n"), TEXT);
  assert.equal(session.requests.length, 0);
});
