import { svg } from './dom'

/** 24 × 24 line drawings, one path each. */
const paths = {
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  audio: 'M12 4a3 3 0 0 1 3 3v4a3 3 0 0 1-6 0V7a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v3',
  video: 'M3 7h12v10H3zM15 11l6-3v8l-6-3',
  location: 'M12 21c4-4.5 6.5-7.6 6.5-11a6.5 6.5 0 0 0-13 0c0 3.4 2.5 6.5 6.5 11zM12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  notice: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8h.01',
  bot: 'M5 9h14v10H5zM12 5v4M9 14h.01M15 14h.01',
  custom: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5',
  call: 'M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A15 15 0 0 1 3 6a2 2 0 0 1 2-2z',
  revoked: 'M8 6L4 10l4 4M4 10h9.5a5.5 5.5 0 0 1 0 11H11',
  pin: 'M9 3h6l-1 7 3 3v2H7v-2l3-3zM12 15v6',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  send: 'M4 12l16-8-6 16-3-6.5zM11 13.5L20 4',
  compose: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  back: 'M14 5l-7 7 7 7',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6',
  cloudOff: 'M3 3l18 18M7 18h10M7 18a4 4 0 0 1-.5-8A6 6 0 0 1 8 7.5M11 5.6a6 6 0 0 1 6.5 4.4A4 4 0 0 1 20.3 16.3',
  chat: 'M4 5h16v11H11l-5 4v-4H4z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5',
  close: 'M6 6l12 12M18 6L6 18',
  devices: 'M3 6h11v9H3zM1.5 18H12M16 9h6v10h-6zM19 16.5h.01',
  dots: 'M6 12h.01M12 12h.01M18 12h.01',
  open: 'M4 5h16v11H11l-5 4v-4H4z',
  switch: 'M7 7h11l-3-3M17 17H6l3 3',
} as const

export type IconName = keyof typeof paths

/** Draws an icon in the text's colour. Icons say nothing to a screen reader: the words beside them do. */
export function icon(name: IconName): SVGElement {
  return svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: paths[name] }))
}
