/** What is in a file, at a glance: the first lines of a text, the size of an image, else the first bytes. */
import { printableText } from '../byte-path.ts';
import type { Beginning } from '../operations/open-root.ts';
import { formatBytes } from './format.ts';
import { imageHeader } from './image-header.ts';
import { shorten } from './terminal.ts';

export interface Preview {
  /** `text`, `PNG image, 640 × 480 pixels`. */
  readonly kind: string;
  /** No wider than was asked for, and safe to print. */
  readonly lines: readonly string[];
}

/** How much is read for it. Bytes; the size of a photo comes after its thumbnail. */
export const PREVIEWED = 256 * 1024;

/** As git(1) tells what is no text: by a NUL near the beginning. */
const LOOKED_AT = 8000;

/** `room`: columns and lines. */
export function previewOf(beginning: Beginning, room: { readonly width: number; readonly lines: number }): Preview {
  const { bytes, size } = beginning;
  if (size === 0) return { kind: 'empty', lines: [] };
  const image = imageHeader(bytes);
  if (image !== null) {
    const pixels = image.size === null ? '' : `, ${String(image.size.width)} × ${String(image.size.height)} pixels`;
    return { kind: `${image.format} image${pixels}`, lines: [] };
  }
  if (!bytes.subarray(0, LOOKED_AT).includes(0)) return { kind: 'text', lines: firstLines(beginning, room) };
  return { kind: 'binary', lines: hexLines(beginning, room) };
}

const TAB = 8;

/** What is longer than a line goes on in the next one. */
function firstLines({ bytes, size }: Beginning, { width, lines }: { readonly width: number; readonly lines: number }): string[] {
  const all = bytes.toString('utf8').split('\n');
  if (all.at(-1) === '') all.pop();
  const shown: string[] = [];
  let count = 0;
  for (const line of all) {
    const folded = chunksOf(escaped(line), width);
    if (shown.length + folded.length > lines && shown.length > 0) break;
    shown.push(...folded.slice(0, lines));
    if (folded.length > lines) return [...shown, shorten(`… (${formatBytes(size)} in all)`, width)];
    count += 1;
  }
  const more = all.length - count;
  if (bytes.length < size) return [...shown, shorten(`… (${formatBytes(size)} in all)`, width)];
  return more > 0 ? [...shown, shorten(`… (${String(more)} more ${more === 1 ? 'line' : 'lines'})`, width)] : shown;
}

function chunksOf(text: string, width: number): string[] {
  const characters = Array.from(text);
  const chunks = Array.from({ length: Math.ceil(characters.length / width) }, (_, at) =>
    characters.slice(at * width, (at + 1) * width).join(''),
  );
  return chunks.length === 0 ? [''] : chunks;
}

function escaped(line: string): string {
  let text = '';
  for (const part of line.replace(/\r$/, '').split(/(\t)/))
    text += part === '\t' ? ' '.repeat(TAB - (text.length % TAB)) : printableText(part);
  return text;
}

/** As `hexdump -C` has it, with as many bytes in a line as there is room for. */
function hexLines({ bytes, size }: Beginning, { width, lines }: { readonly width: number; readonly lines: number }): string[] {
  const perLine = [16, 8, 4].find((count) => 8 + 2 + count * 3 + 2 + count <= width) ?? 4;
  const shown: string[] = [];
  for (let at = 0; at < bytes.length && shown.length < lines; at += perLine) {
    const some = [...bytes.subarray(at, at + perLine)];
    const hex = some.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = some.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    shown.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(perLine * 3 - 1)}  ${text}`);
  }
  return shown.length * perLine < size ? [...shown, shorten(`… (${formatBytes(size)} in all)`, width)] : shown;
}
