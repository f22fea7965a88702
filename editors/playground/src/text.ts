/** Places in text, as JavaScript and as the node count them. */

/** Characters (code points) of a text; JavaScript counts UTF-16 units. */
export function characters(text: string): number {
  let pairs = 0;
  for (let at = 0; at < text.length - 1; at++) {
    if (isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1))) pairs++;
  }
  return text.length - pairs;
}

export interface Difference {
  start: number;
  /** End of what goes, in the old text. */
  end: number;
  old: string;
  new: string;
}

/** The one stretch in which two lines differ, widened to whole words. */
export function difference(old: string, now: string): Difference {
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start++;
  let tail = 0;
  while (tail < shorter - start && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  while (start > 0 && belongs(old, start)) start--;
  while (tail > 0 && belongs(old, old.length - tail + 1)) tail--;
  return {
    start,
    end: old.length - tail,
    old: old.slice(start, old.length - tail),
    new: now.slice(start, now.length - tail),
  };
}

/** The first word of a suggestion, with the space before it. */
export function firstWord(text: string): string {
  return /^\s*(?:[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+)/u.exec(text)?.[0] ?? text;
}

/** Whether what stands before `at` is part of a word, or half of a character. */
function belongs(text: string, at: number): boolean {
  const unit = text.charCodeAt(at - 1);
  return isHigh(unit) || isLow(unit) || /[\p{L}\p{N}_]/u.test(text[at - 1] ?? "");
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
