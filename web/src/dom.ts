/** Elements in one expression. Text goes in as text nodes: no markup of anybody's is ever parsed. */

type Child = Node | string | null | undefined | false

/**
 * Makes an element. In `attributes`, `false` and `undefined` leave the attribute out and `true` writes it empty;
 * there is no `style` and no `on…`: the page's content security policy refuses both.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, '')
    else if (typeof value === 'string') node.setAttribute(name, value)
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false))
  return node
}

/** Writes text only when it differs: an untouched text node costs neither layout nor a screen reader's voice. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

const svgSpace = 'http://www.w3.org/2000/svg'

/** Makes an SVG element. */
export function svg(tag: string, attributes: Record<string, string>, ...children: Child[]): SVGElement {
  const node = document.createElementNS(svgSpace, tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false))
  return node
}
