// The headers of every answer, beside those of the library that they are taken from.
import express from 'express'
import helmet from 'helmet'
import supertest from 'supertest'
import { expect, it } from 'vitest'
import { commonHeaders } from '../../src/http/common-headers.ts'

it('are those that helmet sets, so that an update of it that knows more is noticed', async () => {
  const app = express()
    .disable('x-powered-by')
    .use(
      helmet({
        contentSecurityPolicy: {
          useDefaults: false,
          directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
        },
        referrerPolicy: { policy: 'no-referrer' },
        strictTransportSecurity: false,
      }),
    )
    .use((_req, res) => void res.end())
  const { headers } = await supertest(app).get('/')
  const ofNode = ['connection', 'content-length', 'date', 'keep-alive']
  const ofHelmet = Object.entries(headers).filter(([name]) => !ofNode.includes(name))
  expect(ofHelmet.toSorted()).toEqual(
    commonHeaders.map(([name, value]) => [name.toLowerCase(), value]).toSorted(),
  )
})
