// `docker compose up`, by which somebody tries Limpet.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInProject, walkThrough } from '../support/readme.ts'
import { type Deployment, hasDocker, newDeployment } from './deployment.ts'

describe.runIf(hasDocker())('docker-compose.yml', () => {
  let deployment: Deployment
  beforeAll(async () => {
    deployment = await newDeployment('docker-compose.yml')
    await deployment.compose('up --detach --wait --build')
  })
  afterAll(() => deployment?.remove())

  it('serves on this machine, and makes what it needs', async () => {
    const lines = walkThrough('one-time links').replaceAll('link.txt', `${deployment.folder}/link.txt`)
    expect(await runInProject(lines, { LIMPET_SERVER: 'http://localhost:8080' })).toContain('correct horse')
    expect((await deployment.compose('ps --format {{.Ports}}')).trim()).toBe('127.0.0.1:8080->8080/tcp')
  })

  it('keeps its secrets and its database over a new container', async () => {
    const secrets = () => deployment.compose('exec --no-TTY app sha256sum data/opaque-setup data/jwt-secret')
    const before = await secrets()
    await deployment.compose('up --detach --wait --force-recreate')
    expect(await secrets()).toBe(before)
  })
})
