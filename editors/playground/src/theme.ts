/** Looks. Colours are the page's own variables, which reach into the editor and follow its scheme. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const looks = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--page)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "ui-monospace, monospace", fontSize: "0.9rem", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-gutters": {
    backgroundColor: "var(--page)",
    color: "var(--faint)",
    border: "none",
    borderRight: "1px solid var(--rule)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--active)" },
  ".cm-ghost": { color: "var(--faint)", fontStyle: "italic", whiteSpace: "pre" },
  ".cm-next-old, .cm-next-old *": { textDecoration: "line-through", color: "var(--warn)" },
  ".cm-next-new": {
    textDecoration: "none",
    color: "var(--accent)",
    border: "1px solid var(--accent)",
    borderRadius: "3px",
    margin: "0 0.2em",
    padding: "0 0.2em",
    whiteSpace: "pre",
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.className], color: "var(--accent)" },
]);

export const theme = [looks, syntaxHighlighting(colours)];
