/**
 * JSON that a terminal can show: what could move the cursor or reorder a line is escaped, as JSON allows for every character.
 */

// JSON.stringify escapes the C0 controls and nothing else of these.
const UNSAFE = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu;

/** Without `indent`, one line. */
export function renderJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, escapeUnits);
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}
