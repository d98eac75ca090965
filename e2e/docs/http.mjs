/** The page of the HTTP API, of its OpenAPI document. */
export function httpPage(doc) {
  const paths = Object.entries(doc.paths)
  const groups = (doc.tags ?? []).map((tag) => ({ tag, calls: paths.flatMap(([path, item]) => callsOf(path, item)).filter((c) => c.tags?.includes(tag.name)) }))
  return `<!-- Made by ./build.sh docs from server/openapi.json. -->
# The HTTP API

${(doc.info.description ?? '').trim()}

A running server gives the whole of it, in OpenAPI, at \`GET /openapi.json\`.

| path | who | does |
| --- | --- | --- |
${groups.flatMap(({ calls }) => calls.map((c) => `| [\`${c.method} ${c.path}\`](#${anchor(c)}) | ${who(c)} | ${cell(c.summary)} |`)).join('\n')}

${groups.map(({ tag, calls }) => `## ${title(tag.name)}\n\n${title(tag.description ?? '')}.\n\n${calls.map((c) => call(c, doc)).join('\n')}`).join('\n')}`.replace(/\n{3,}/g, '\n\n').trimEnd() + '\n'
}

function callsOf(path, item) {
  return ['get', 'post'].filter((m) => item[m]).map((m) => ({ path, method: m.toUpperCase(), ...item[m] }))
}

function title(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** Who may call, by the schemes of security. */
function who({ security }) {
  if (!security || security.length === 0) return 'anyone'
  const names = { userToken: "a user's token", serverKey: 'the server key', socketToken: "a user's token" }
  return security.map((s) => Object.keys(s).map((k) => names[k] ?? k).join(' and ') || 'anyone').join(' or ')
}

/** The anchor that Markdown's renderers give the heading of a call. */
function anchor(c) {
  return `${c.method} ${c.path}`.toLowerCase().replace(/[^a-z0-9 -]/g, '').replaceAll(' ', '-')
}

function cell(text = '') {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|')
}

function call(c, doc) {
  const parts = [`### \`${c.method} ${c.path}\``, `${c.summary}. By ${who(c)}.${c.description ? ` ${c.description}` : ''}`]
  const body = c.requestBody?.content?.['application/json']
  if (body) parts.push(members(body.schema, doc), example('Body', body.example))
  const answer = c.responses?.['200']?.content?.['application/json']
  if (answer?.example) parts.push(example('Answer', answer.example))
  const codes = Object.keys(c.responses ?? {}).filter((s) => s !== '200' && s !== '101')
  if (codes.length > 0) parts.push(`Refused with HTTP ${codes.join(', ')}.`)
  return parts.filter(Boolean).join('\n\n') + '\n'
}

function example(name, value) {
  return value === undefined ? '' : `${name}:\n\n\`\`\`json\n${JSON.stringify(value)}\n\`\`\``
}

/** The members of a body, as a table. */
function members(schema, doc) {
  const s = resolve(schema, doc)
  const rows = Object.entries(s.properties ?? {}).map(([name, value]) => {
    const must = s.required?.includes(name) ? '' : 'optional'
    return `| \`${name}\` | ${cell(typeOf(value, doc))} | ${[must, cell(describe(value, doc))].filter(Boolean).join('; ')} |`
  })
  return rows.length === 0 ? '' : ['| member | type | |', '| --- | --- | --- |', ...rows].join('\n')
}

function resolve(schema, doc) {
  if (!schema?.$ref) return schema ?? {}
  const target = schema.$ref.replace('#/', '').split('/').reduce((at, name) => at[name], doc)
  const { $ref: _, ...more } = schema
  return { ...resolve(target, doc), ...more }
}

function typeOf(schema, doc) {
  const s = resolve(schema, doc)
  if (s.const !== undefined) return JSON.stringify(s.const)
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(' or ')
  if (s.oneOf || s.anyOf) return (s.oneOf ?? s.anyOf).map((o) => typeOf(o, doc)).join(' or ')
  if (s.type === 'array') return `array of ${typeOf(s.items, doc)}`
  return [s.type].flat().filter(Boolean).join(' or ') || 'any'
}

/** A member's description and bounds. */
function describe(schema, doc) {
  const s = resolve(schema, doc)
  const bounds = [
    ['minimum', 'at least'], ['maximum', 'at most'], ['minLength', 'characters, at least'], ['maxLength', 'characters, at most'],
    ['minItems', 'items, at least'], ['maxItems', 'items, at most'], ['default', 'default'],
  ].filter(([name]) => s[name] !== undefined).map(([name, words]) => `${words} ${JSON.stringify(s[name])}`)
  return [s.description, ...bounds].filter(Boolean).join('; ')
}
