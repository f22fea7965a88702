/** Which edits are taken from an answer, and when they are out of date. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Dismissed, drawable, fits, type Lines, understood } from "../src/edits";

const URI = "file:///a.py";

function lines(...all: string[]): Lines {
  return { lineCount: all.length, lineAt: (line) => ({ text: all[line] ?? "" }) };
}

function said(line: number, newText: string, start = 0, end = 8, uri = URI): object {
  const range = { start: { line, character: start }, end: { line, character: end } };
  return { uri, range, newText, why: "total is called price now" };
}

const edit = { uri: URI, line: 1, old: "total(1)", new: "price(1)", why: "" };

test("an answer is read in its order, with whole lines", () => {
  const found = understood(
    [said(1, "price(1)"), said(0, "price", 0, 5)],
    URI,
    lines("total(2)", "total(1)"),
  );
  assert.deepEqual(
    found.map(({ line, old, new: now }) => [line, old, now]),
    [
      [1, "total(1)", "price(1)"],
      [0, "total(2)", "price(2)"],
    ],
  );
  assert.equal(found[0]?.why, "total is called price now");
});

test("what is of another file is told without its old line", () => {
  const [edit, ...rest] = understood([said(7, "price(1)", 0, 8, "file:///b.py")], URI, lines(""));
  assert.deepEqual(rest, []);
  assert.deepEqual([edit?.uri, edit?.line, edit?.old, edit?.new], ["file:///b.py", 7, undefined, "price(1)"]);
});

test("what is past the end or no change is left out", () => {
  const answer = [said(1, "price(1)"), said(0, "total(1)")];
  assert.deepEqual(understood(answer, URI, lines("total(1)")), []);
  assert.deepEqual(understood(null, URI, lines("total(1)")), []);
});

test("an edit fits as long as its line is as it was", () => {
  assert.equal(fits(edit, lines("", "total(1)", "more")), true);
  assert.equal(fits(edit, lines("", "total(12)")), false);
  assert.equal(fits(edit, lines("total(1)")), false);
});

test("what was dismissed is known again on another line, and forgotten when much else was", () => {
  const dismissed = new Dismissed();
  dismissed.add([edit]);
  assert.equal(dismissed.has({ ...edit, line: 7 }), true);
  assert.equal(dismissed.has({ ...edit, uri: "file:///b.py" }), false);
  assert.equal(dismissed.has({ ...edit, new: "cost(1)" }), false);
  for (let n = 0; n < 100; n++) dismissed.add([{ ...edit, new: `cost(${n})` }]);
  assert.equal(dismissed.has(edit), false);
  assert.equal(dismissed.has({ ...edit, new: "cost(0)" }), true);
});

test("lines are drawn as one, and long ones are cut", () => {
  assert.equal(drawable(" a\r\n\tb\n"), "\u00a0a⏎\u00a0b⏎");
  assert.equal(drawable("x".repeat(300)), `${"x".repeat(200)}…`);
});
