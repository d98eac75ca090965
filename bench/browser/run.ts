import { boot } from './boot'
import { memory } from './memory'
import { page } from './page'
import { payload } from './payload'
import { write as leave, type Sample } from './sample'
import { Stage } from './stage'
import { updates } from './updates'
import { write } from './write'

const parts: Record<string, (stage: Stage) => Promise<Sample[]>> = { payload, boot, page, write, updates, memory }

const stage = await Stage.open()
try {
  for (const name of process.argv.slice(2)) {
    const measure = parts[name]
    if (!measure) throw new Error(`no part ${name}: ${Object.keys(parts).join(', ')}`)
    await leave(name, await measure(stage))
  }
} finally {
  await stage.close()
}
