/** What kind of image a file is, and of how many pixels, by its first bytes. */
export interface ImageHeader {
  readonly format: 'PNG' | 'JPEG' | 'GIF' | 'WebP';
  /** In pixels; null if the bytes end before it is said. */
  readonly size: { readonly width: number; readonly height: number } | null;
}

/** Null if it is none of them. */
export function imageHeader(bytes: Buffer): ImageHeader | null {
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return { format: 'PNG', size: pngSize(bytes) };
  if (startsWith(bytes, 'GIF87a') || startsWith(bytes, 'GIF89a')) return { format: 'GIF', size: gifSize(bytes) };
  if (startsWith(bytes, '\xff\xd8\xff')) return { format: 'JPEG', size: jpegSize(bytes) };
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return { format: 'WebP', size: webpSize(bytes) };
  return null;
}

function startsWith(bytes: Buffer, text: string, at = 0): boolean {
  return bytes.toString('latin1', at, at + text.length) === text;
}

function pngSize(bytes: Buffer): ImageHeader['size'] {
  if (bytes.length < 24 || !startsWith(bytes, 'IHDR', 12)) return null;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function gifSize(bytes: Buffer): ImageHeader['size'] {
  return bytes.length < 10 ? null : { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

/** In the first segment that begins a frame (SOF0 to SOF15 but DHT, JPG and DAC). What is before it, such as a thumbnail, is skipped. */
function jpegSize(bytes: Buffer): ImageHeader['size'] {
  for (let at = 2; at + 9 <= bytes.length;) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff) return null;
    // Any number of these may fill the space before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    const hasNoLength = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    at += hasNoLength ? 2 : 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}

/** Extended, lossless or lossy: the first chunk says which. */
function webpSize(bytes: Buffer): ImageHeader['size'] {
  if (bytes.length < 30) return null;
  if (startsWith(bytes, 'VP8X', 12)) return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (startsWith(bytes, 'VP8L', 12) && bytes[20] === 0x2f) {
    const bits = bytes.readUInt32LE(21);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (startsWith(bytes, 'VP8 ', 12) && startsWith(bytes, '\x9d\x01\x2a', 23))
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  return null;
}
