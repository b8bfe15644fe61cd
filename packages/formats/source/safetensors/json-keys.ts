/**
 * Returns the keys of the outermost object of a JSON text, in the order of the text, and the first key that any object
 * has twice. `JSON.parse` reports neither: it keeps the last of equal keys and moves keys that look like integers to the
 * front. The text must be valid JSON.
 */
export function keysInOrder(text: string): { top: string[]; duplicate: string | undefined } {
  // For each open bracket, the keys so far; none for an array.
  const open: (Set<string> | undefined)[] = [];
  const top: string[] = [];
  let duplicate: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) {
        const key = JSON.parse(text.slice(at, end)) as string;
        const keys = open.at(-1);
        if (keys?.has(key)) duplicate ??= key;
        keys?.add(key);
        if (open.length === 1) top.push(key);
      }
      at = end - 1;
    }
  }
  return { top, duplicate };
}

/** The position after the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Whether a colon follows a string, which makes it a key. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (' \t\n\r'.includes(text[at])) at++;
  return text[at] === ':';
}
