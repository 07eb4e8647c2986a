// What `limpet-server doctor` found, and what to do about it.
export interface Finding {
  /** What was looked at; a name that stays. */
  readonly check: string
  /** `unseen`: nothing is known to be wrong, and whether it is right cannot be seen from where the doctor runs. */
  readonly status: 'ok' | 'unseen' | 'warning' | 'error'
  /** A sentence without secrets. */
  readonly message: string
  /** What to do; null where nothing has to be done. */
  readonly remedy: string | null
}

export const ok = (check: string, message: string): Finding => ({
  check,
  status: 'ok',
  message,
  remedy: null,
})

export const unseen = (check: string, message: string, remedy: string): Finding => ({
  check,
  status: 'unseen',
  message,
  remedy,
})

export const warning = (check: string, message: string, remedy: string): Finding => ({
  check,
  status: 'warning',
  message,
  remedy,
})

export const error = (check: string, message: string, remedy: string): Finding => ({
  check,
  status: 'error',
  message,
  remedy,
})
