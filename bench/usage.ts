// What a process and everything that it has started use, as the kernel counts it (Linux).
import { readdirSync, readFileSync } from 'node:fs'

/** The kernel counts processor time in hundredths of a second (USER_HZ, the same on all of Linux's platforms). */
const tickMs = 10

export interface Usage {
  /** Of all threads, in user and in kernel mode, since they began; in milliseconds. */
  readonly processorMs: number
  /** In MiB, as the next one. */
  readonly residentMb: number
  /** The most that has been resident at once. */
  readonly peakMb: number
}

/** Of what has no processes of its own. */
export const nothing: Usage = { processorMs: 0, residentMb: 0, peakMb: 0 }

/** A process that has ended meanwhile has used nothing more. */
function readOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readOf(pid, `task/${thread}/children`).split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

/** A process, and all that it has started and that they have. */
const treeOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(treeOf)]

function usageOfOne(pid: number): Usage {
  // After the name, which may hold spaces: utime, stime, and those of the children that have ended (proc_pid_stat(5), from field 14).
  const fields = readOf(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  const status = readOf(pid, 'status')
  const megabytes = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024
  return {
    processorMs: ticks * tickMs,
    residentMb: megabytes('VmRSS'),
    peakMb: megabytes('VmHWM'),
  }
}

/** @returns the sums over a process and all below it; memory that they share counts for each of them */
export function usageOf(pid: number): Usage {
  const all = treeOf(pid).map(usageOfOne)
  const sum = (name: keyof Usage) => all.reduce((total, usage) => total + usage[name], 0)
  return { processorMs: sum('processorMs'), residentMb: sum('residentMb'), peakMb: sum('peakMb') }
}
