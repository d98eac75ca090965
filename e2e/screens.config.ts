import config from './playwright.config'

/** Makes the pictures of docs/: `./build.sh screenshots`. */
export default { ...config, testMatch: 'screens.ts', workers: 1, outputDir: '../build/test/screens' }
