// Loaded into what is measured, before anything else (node --require): tells on descriptor 3 what the process has used when it ends.
const { readFileSync, writeSync } = require('node:fs')

process.on('exit', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  // Not `maxRSS`: that is also what the process had that started this one.
  const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const usage = {
    processorMs: (userCPUTime + systemCPUTime) / 1000,
    residentMb: process.memoryUsage.rss() / 2 ** 20,
    peakMb: Number(peakKb) / 1024,
  }
  writeSync(3, `${JSON.stringify(usage)}\n`)
})
