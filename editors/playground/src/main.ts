/** The page Playground: one editor, what the node suggests in it, and how long that took. */

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { Compartment, type Extension, Prec } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { Asking } from "./ask";
import { edits } from "./edits";
import { Follower } from "./follower";
import { acceptGhost, acceptWord, ghost } from "./ghost";
import { Meter } from "./meter";
import { Node } from "./node";
import { SAMPLE } from "./sample";
import { Suggester } from "./suggester";
import { theme } from "./theme";

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

const key = element<HTMLInputElement>("key");
const path = element<HTMLInputElement>("path");
const question = element<HTMLInputElement>("question");
const stopButton = element<HTMLButtonElement>("stop");
const say = (text: string) => {
  element("status").textContent = text;
};
const pathNow = () => path.value.trim() || "untitled.py";

const node = new Node(() => key.value.trim());
const meter = new Meter(element("meter"), Number(element("meter").dataset.budgetMs));
const suggester = new Suggester(node, meter, pathNow, say);
const follower = new Follower(SAMPLE, node, pathNow, element("next"), say);
const language = new Compartment();

function languageOf(name: string): Extension {
  if (/\.pyi?$/.test(name)) return python();
  const script = /\.[cm]?(js|ts)(x?)$/.exec(name);
  return script ? javascript({ typescript: script[1] === "ts", jsx: script[2] === "x" }) : [];
}

const keys = keymap.of([
  { key: "Tab", run: acceptGhost },
  { key: "Ctrl-ArrowRight", mac: "Alt-ArrowRight", run: acceptWord },
  { key: "Escape", run: (view) => suggester.dismiss(view) || follower.dismiss(view) },
  { key: "Alt-\\", run: (view) => (void suggester.ask(view, true), true) },
  { key: "Alt-Tab", run: (view) => follower.accept(view) },
  { key: "Alt-Enter", run: (view) => follower.accept(view) },
]);

// In a shadow root CodeMirror adopts its style sheet; elsewhere it would write a <style> element,
// which the page's policy forbids.
const root = element("editor").attachShadow({ mode: "open" });
const view = new EditorView({
  doc: SAMPLE,
  root,
  parent: root,
  extensions: [
    Prec.highest(keys),
    lineNumbers(),
    history(),
    bracketMatching(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    indentUnit.of("    "),
    keymap.of([...defaultKeymap, ...historyKeymap]),
    language.of(languageOf(pathNow())),
    EditorView.contentAttributes.of({ "aria-label": "Code", "aria-describedby": "keys" }),
    ghost,
    edits,
    theme,
    EditorView.updateListener.of((update) => {
      suggester.update(update);
      follower.update(update);
    }),
  ],
});

path.addEventListener("change", () => {
  view.dispatch({ effects: language.reconfigure(languageOf(pathNow())) });
});
element("accept").addEventListener("click", () => follower.accept(view));
element("dismiss").addEventListener("click", () => follower.dismiss(view));

const asking = new Asking(
  node,
  () => ({ path: pathNow(), text: view.state.doc.toString(), cursor: view.state.selection.main.head }),
  element("answer"),
  say,
  (busy) => {
    stopButton.disabled = !busy;
    element("answer").setAttribute("aria-busy", String(busy));
  },
);
element("ask").addEventListener("click", () => void asking.ask(question.value));
stopButton.addEventListener("click", () => asking.stop());
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) void asking.ask(question.value);
  if (event.key === "Escape") asking.stop();
});
window.addEventListener("pagehide", () => {
  suggester.giveUp();
  follower.giveUp();
  asking.stop();
});
