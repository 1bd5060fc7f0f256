// Reads Vitest's JSON report and prints `N passed, N failed`. A suite that could not even start counts as a failure.
import { readFileSync } from 'node:fs'

try {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
  const broken = testResults.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed')).length
  console.log(`${numPassedTests} passed, ${numFailedTests + broken} failed`)
} catch (error) {
  console.log(`0 passed, 1 failed: no report of the tests (${error.message})`)
  process.exitCode = 1
}
