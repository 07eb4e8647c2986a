// What a request looks like from here, for `limpet-server doctor`: whose address is seen through the proxies in front. No part of
// the contract, and for the operator alone: who could ask it would learn which forged headers work.

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Express } from 'express'
import { z } from 'zod'
import { minutes } from '../../clock.ts'
import { operatorPaths } from '../../contract/paths.ts'
import { notFound } from '../../domain/failure.ts'
import { nameRoute } from '../../http/page-route.ts'
import type { Services } from './route.ts'

export const reflectionHeader = 'Limpet-Operator'

/** Clocks differ, and a token that somebody has seen is soon worth nothing. */
const validForMs = minutes(5)

export const Reflection = z.object({
  /** The address that is counted and logged. */
  address: z.string(),
  /** Who is connected: the last proxy, or the client itself. */
  peer: z.string(),
  /** X-Forwarded-For as it came here. */
  forwardedFor: z.string().nullable(),
})

const sign = (key: KeyObject, time: string) => createHmac('sha256', key).update(time).digest()

/** What shows that who asks has the secrets of the server. */
export const reflectionToken = (key: KeyObject, now: number): string =>
  `${now}.${sign(key, String(now)).toString('base64url')}`

function isToken(key: KeyObject, token: string, now: number): boolean {
  const [, time = '', signature = ''] = /^(\d{1,15})\.([\w-]{43})$/.exec(token) ?? []
  const given = Buffer.from(signature, 'base64url')
  const isSigned = given.length === 32 && timingSafeEqual(given, sign(key, time))
  return isSigned && Math.abs(now - Number(time)) <= validForMs
}

export function addReflection(app: Express, { clock, keys }: Pick<Services, 'clock' | 'keys'>): void {
  nameRoute(app, operatorPaths.reflection)
  app.get(operatorPaths.reflection, (req, res) => {
    res.locals.route = operatorPaths.reflection
    if (!isToken(keys.reflections, req.get(reflectionHeader) ?? '', clock.now())) throw notFound()
    const reflection: z.infer<typeof Reflection> = {
      address: req.ip ?? '',
      peer: req.socket.remoteAddress ?? '',
      forwardedFor: req.get('x-forwarded-for') ?? null,
    }
    res.json(reflection)
  })
}
