/** What this app keeps in a session's ext: a JSON object, of which it owns the member `pinned` alone. */

/** Whether the ext says that the session is pinned. Any text may stand there: other apps write ext too. */
export function isPinned(ext: string | undefined): boolean {
  return parse(ext)?.pinned === true
}

/**
 * The ext with `pinned` set or taken away. Every other member stays as it is; a text that is not a JSON
 * object is kept under `text`, so that nobody's data is lost to a pin.
 */
export function withPinned(ext: string | undefined, pinned: boolean): string {
  const { pinned: _, ...others } = parse(ext) ?? (ext ? { text: ext } : {})
  if (pinned) return JSON.stringify({ ...others, pinned: true })
  return Object.keys(others).length === 0 ? '' : JSON.stringify(others)
}

function parse(ext: string | undefined): Record<string, unknown> | null {
  if (!ext?.startsWith('{')) return null
  try {
    return JSON.parse(ext) as Record<string, unknown>
  } catch {
    return null
  }
}
