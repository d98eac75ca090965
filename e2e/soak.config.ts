import { defineConfig } from '@playwright/test'
import config from './playwright.config'

export default defineConfig(config, {
  testDir: 'soak',
  testIgnore: [],
  testMatch: 'soak.spec.ts',
  outputDir: '../build/soak',
  timeout: 0, // it lasts as long as one asks
  reporter: [['list']],
  use: { trace: 'off' }, // a trace of hours
})
