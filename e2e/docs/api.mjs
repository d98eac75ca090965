import ts from 'typescript'

/** The page of the package's API: every exported type of api.d.ts, and those of wire.gen.ts that it hands on. */
export function apiPage(api, wire) {
  const own = parse('api.d.ts', api)
  const handedOn = new Set(exportedNames(own))
  const types = [...declarations(own), ...declarations(parse('wire.gen.ts', wire)).filter((d) => handedOn.has(d.name.text))]
  const parts = types.map((d) => section(d))
  return `<!-- Made by ./build.sh docs from js/src/api.d.ts. -->
# The JavaScript API

\`\`\`js
import { connect } from 'recents'
\`\`\`

No call throws, and no promise rejects: every outcome is a [NIMResult](#nimresult). Times are milliseconds since the epoch,
by the server's clock.

${types.map((d) => `[${d.name.text}](#${d.name.text.toLowerCase()})`).join(' · ')}

${parts.join('\n')}`
}

function parse(name, text) {
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
}

/** The exported declarations of a file, in their order, functions first. */
function declarations(file) {
  const all = file.statements.filter(
    (s) => (ts.isInterfaceDeclaration(s) || ts.isTypeAliasDeclaration(s) || ts.isFunctionDeclaration(s)) && isExported(s),
  )
  return [...all.filter(ts.isFunctionDeclaration), ...all.filter((s) => !ts.isFunctionDeclaration(s))]
}

function isExported(node) {
  return ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword) ?? false
}

/** The names that a file exports from another. */
function exportedNames(file) {
  return file.statements.filter((s) => ts.isExportDeclaration(s) && s.exportClause && ts.isNamedExports(s.exportClause))
    .flatMap((s) => s.exportClause.elements.map((e) => e.name.text))
}

function section(d) {
  const head = `## ${d.name.text}\n\n`
  const about = textOf(d)
  if (ts.isFunctionDeclaration(d)) return `${head}${code(d)}\n\n${about}\n`
  if (ts.isTypeAliasDeclaration(d)) return `${head}${about}${about && '\n\n'}${code(d)}\n`
  const base = d.heritageClauses ? `Has what ${d.heritageClauses.map((h) => h.types.map((t) => `\`${t.getText()}\``).join(', ')).join(', ')} has too.\n\n` : ''
  const members = d.members.filter((m) => m.name)
  return `${head}${about}${about && '\n\n'}${base}${table(members)}`
}

function code(d) {
  const text = d.getText().replace(/^export (declare )?/, '')
  return `\`\`\`ts\n${text}\n\`\`\``
}

function table(members) {
  const rows = members.map((m) => `| ${inCell(signature(m))} | ${textOf(m).replaceAll('\n', ' ').replaceAll('|', '\\|')} |`)
  return ['| | |', '| --- | --- |', ...rows, ''].join('\n')
}

/** A member in one line, without its documentation. */
function signature(member) {
  return member.getText().replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/\s+/g, ' ').trim()
}

/** Code that holds a `|`, which ends a cell of a table unless it is escaped. */
function inCell(text) {
  return `\`${text.replaceAll('|', '\\|')}\``
}

/** What the documentation above a node says; a link to a type becomes its name. */
function textOf(node) {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)
  const text = doc ? (ts.getTextOfJSDocComment(doc.comment) ?? '') : ''
  return text.replace(/\{@link (?:\w+\.)?(\w+)\}/g, '`$1`').trim()
}
