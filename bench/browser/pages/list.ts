/** What a row of the list shows. */
export interface Shown {
  key: string
  name: string
  text: string
  time: number
}

/** Puts rows into the document, and says when they were there. */
export function show(rows: readonly Shown[]): void {
  const list = document.getElementById('list')!
  for (const { key, name, text, time } of rows) {
    const row = document.createElement('li')
    row.dataset.key = key
    row.append(element('b', name), element('time', new Date(time).toISOString()), element('p', text))
    list.append(row)
  }
  if (list.childElementCount !== 100) throw new Error(`${list.childElementCount} rows are shown, not 100`)
  done()
}

/** Says when the page was where it was to get, ms since it began: on the console, since whoever looks into a page has it run a script first. */
export function done(): void {
  console.info(performance.now())
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name)
  made.textContent = text
  return made
}
