// What apps ask of the server before they log in, and every hour.
import { z } from 'zod'
import { bitwardenLoginPaths } from '../../contract/bitwarden-paths.ts'
import { anyQuery } from '../../http/route.ts'
import { route } from './route.ts'

/** Of Bitwarden's server, whose rules apps go by: newer than all that they look for, and no newer than what is offered here. */
const bitwardenVersion = '2026.8.0'

/** Apps of late 2025 and early 2026 show the archive only with this; later ones have it always. Every other switch is off. */
const featureStates = { 'pm-19148-innovation-archive': true } as const

const config = route({
  method: 'get',
  path: bitwardenLoginPaths.config,
  auth: 'public',
  limit: 'read',
  request: { query: anyQuery },
  success: {
    200: z.object({
      object: z.literal('config'),
      version: z.string(),
      gitHash: z.string(),
      server: z.object({ name: z.string(), url: z.string() }),
      environment: z.object({
        vault: z.string(),
        api: z.string(),
        identity: z.string(),
        notifications: z.string(),
        sso: z.string(),
        cloudRegion: z.null(),
      }),
      featureStates: z.record(z.string(), z.boolean()),
      push: z.object({ pushTechnology: z.int(), vapidPublicKey: z.null() }),
      settings: z.object({
        disableUserRegistration: z.boolean(),
        suppressOnboardingInterstitials: z.boolean(),
      }),
      communication: z.null(),
    }),
  },
  async handler(_request, { config: { publicUrl, registration } }) {
    return {
      status: 200,
      body: {
        object: 'config',
        version: bitwardenVersion,
        gitHash: '',
        server: { name: 'Limpet', url: publicUrl },
        environment: {
          vault: publicUrl,
          api: `${publicUrl}/api`,
          identity: `${publicUrl}/identity`,
          notifications: `${publicUrl}/notifications`,
          sso: '',
          cloudRegion: null,
        },
        featureStates,
        push: { pushTechnology: 0, vapidPublicKey: null },
        settings: {
          disableUserRegistration: registration === 'closed',
          suppressOnboardingInterstitials: true,
        },
        communication: null,
      },
    }
  },
})

export const configRoutes = [config]
