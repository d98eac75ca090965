import { inSeconds, PageClock } from './clock'
import { connect, expect, list, test, textOf, untilConnection } from './fixtures'
import { measured } from './measured'
import { heard, record, setExt, status } from './tabs'
import { Wire } from './wire'

const clocks = { 'of 2001': '2001-01-01T00:00:00Z', 'of 2099': '2099-12-31T23:59:59Z', 'that jumps': undefined }

for (const [what, time] of Object.entries(clocks)) {
  test(`C1 a clock ${what} changes nothing of what is synced`, async ({ server, api, page }) => {
    await api.send('bob', 'alice', 'hello')
    const clock = await PageClock.of(page, time ? { time } : {})
    await connect(page, server, 'alice')
    await untilConnection(page, 'alice', 'live')
    await record(page)
    for (let i = 0; i < 6; i++) {
      if (!time) await page.clock.setSystemTime(['1999-01-01', '2077-07-07'][i % 2]!)
      await api.send(`friend${i}`, 'alice', `message ${i}`)
      expect(await setExt(page, 'bob', `edit ${i}`)).toMatchObject({ code: 0 })
      await expect.poll(async () => (await heard(page)).updates.length).toBe(i + 1)
    }
    expect(await page.evaluate(() => window.clients.alice!.messageService.deleteMySession([{ sessionId: 'friend0', sessionType: 'p2p' }]))).toMatchObject({ code: 0 })
    await page.context().setOffline(true)
    await untilConnection(page, 'alice', 'offline')
    expect(await setExt(page, 'friend1', 'made offline')).toMatchObject({ code: 202 })
    await page.context().setOffline(false)
    await clock.until('nothing waits', async () => (await status(page)).pending === 0, { step: 250 })
    const right = await api.list('alice')
    expect(right.sessionList.map((s) => s.sessionId)).toEqual(['friend5', 'friend4', 'friend3', 'friend2', 'friend1', 'bob'])
    expect(right.sessionList.at(-2)).toMatchObject({ ext: 'made offline' })
    await expect.poll(async () => (await list(page, 'alice')).data).toEqual(right)
    expect((await status(page)).lastError).toBe('')
    measured('C1', `a clock ${what}: 6 messages, 7 edits and a delete, online and off, the list exact`)
  })
}

test('C2 a page that slept 8 hours is in step again within 5 s', async ({ server, api, page }) => {
  await api.send('bob', 'alice', 'in the evening')
  const clock = await PageClock.of(page)
  const wire = await Wire.of(page)
  await connect(page, server, 'alice')
  await untilConnection(page, 'alice', 'live')
  wire.silence() // the connection is gone, and nobody told
  for (let i = 0; i < 20; i++) await api.send(`friend${i % 5}`, 'alice', `at night ${i}`)
  const right = await api.list('alice')
  await page.clock.fastForward('08:00:00')
  const took = await clock.until('it is in step', async () => JSON.stringify((await list(page, 'alice')).data) === JSON.stringify(right), { most: 10, step: 100 })
  expect(took).toBeLessThanOrEqual(5)
  await clock.until('it is live', async () => (await status(page)).connection === 'live', { most: 10, step: 100 })
  await api.send('bob', 'alice', 'in the morning')
  await expect.poll(async () => textOf((await list(page, 'alice')).data?.sessionList[0])).toBe('in the morning')
  measured('C2', `8 hours asleep, the connection dead: in step ${inSeconds(took)} after waking`)
})
