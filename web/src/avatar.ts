import type { SessionType } from 'recents'
import { el } from './dom'

/**
 * Draws initials on a colour that is made from the id; the shape tells people, teams and super teams apart. One box
 * with a text: the list makes avatars while it scrolls, and an SVG costs it twice the style and the layout.
 */
export function avatar(type: SessionType, id: string, name: string): HTMLElement {
  const node = el('span', { class: 'avatar', 'data-shape': type, 'aria-hidden': 'true' }, initials(name))
  node.style.setProperty('--hue', String(hue(id)))
  return node
}

/** Up to two letters that stand for a name: of its first and its last word. */
export function initials(name: string): string {
  const words = name.split(/[\s\-_.|,]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word))
  const [first = name, last] = [words[0], words.length > 1 ? words[words.length - 1] : undefined]
  const letter = firstLetter(first)
  return isIdeograph(letter) || !last ? letter : letter + firstLetter(last)
}

/** A hue of 0 to 359 degrees, the same for the same id on every device (FNV-1a over its code units). */
export function hue(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % 360
}

function firstLetter(word: string): string {
  const letters = word.match(/[\p{L}\p{N}]\p{M}*/u)?.[0] ?? Array.from(word)[0] ?? '?'
  return letters.toUpperCase()
}

/** One ideograph is as wide as two letters, and says as much. */
function isIdeograph(letter: string): boolean {
  return /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(letter)
}
