// Loaded into what is measured, before anything else (node --require): tells on descriptor 3 what the process has used when it ends.
const { writeSync } = require('node:fs')

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const usage = {
    processorMs: (userCPUTime + systemCPUTime) / 1000,
    residentMb: process.memoryUsage.rss() / 2 ** 20,
    peakMb: maxRSS / 1024,
  }
  writeSync(3, `${JSON.stringify(usage)}\n`)
})
