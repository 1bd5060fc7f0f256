import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { accessApi, accessPrefix } from '@gantry/shared/access-api.ts'
import { agentApi } from '@gantry/shared/agent-api.ts'
import { clientApi, updates, WellKnown } from '@gantry/shared/client-api.ts'
import type { Contract } from '@gantry/shared/contract.ts'
import { errorCodes } from '@gantry/shared/errors.ts'
import { Feature } from '@gantry/shared/licences.ts'
import { licensedPath } from '@gantry/shared/licensed-software.ts'
import { PublishedName } from '@gantry/shared/published-file.ts'
import { z } from 'zod'

/** Prints the OpenAPI 3.1 description (R032) of the wires of the main server, from the very tables that they are served and called by. */
type Json = Record<string, unknown>
const { version, description } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string; description: string }

console.log(JSON.stringify(describe(), null, 2))

function describe(): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Gantry main server', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: 'https://main-server.example', description: 'People and clients' }],
    paths: {
      '/.well-known/gantry': {
        get: { operationId: 'wellKnown', tags: ['client'], security: [], responses: { 200: answer(schemaOf(WellKnown, 'output'), 'Who this server is') } },
      },
      '/api/v1/updates': { get: updatesOperation() },
      ...pathsOf(clientApi, { prefix: '/api/v1/', tag: 'client', security: [{ dpop: [] }] }),
      ...pathsOf(accessApi, { prefix: accessPrefix, tag: 'access-server', security: [] }),
      [licensedPath('{feature}', '{name}')]: { get: licensedOperation() },
      ...pathsOf(agentApi, { prefix: '/agent/v1/', tag: 'agent', security: [{ device: [] }], open: ['device.enrol'] }),
    },
    components: {
      securitySchemes: {
        dpop: {
          type: 'http',
          scheme: 'dpop',
          description: 'Access token of the sign-in (OpenID Connect, authorization code with PKCE), and a proof of its key (RFC 9449)',
        },
        device: { type: 'mutualTLS', description: 'Certificate of the device, on a listener of its own' },
      },
      schemas: { Failure: failureSchema() },
    },
  }
}

type Wire = { prefix: string; tag: string; security: Json[]; open?: string[] }

function pathsOf(contract: Contract, { prefix, tag, security, open = [] }: Wire): Json {
  return Object.fromEntries(
    Object.entries(contract).map(([name, { input, output }]) => {
      const value = { type: 'object', required: ['ok', 'value'], properties: { ok: { const: true }, value: schemaOf(output, 'output') } }
      const operation = {
        operationId: name,
        tags: [tag],
        security: open.includes(name) ? [] : security,
        requestBody: { required: true, content: { 'application/json': { schema: schemaOf(input, 'input') } } },
        responses: {
          200: answer(value, 'Done'),
          default: answer(
            { type: 'object', required: ['ok', 'failure'], properties: { ok: { const: false }, failure: { $ref: '#/components/schemas/Failure' } } },
            'Refused or failed',
          ),
        },
      }
      return [`${prefix}${name}`, { post: operation }]
    }),
  )
}

function updatesOperation(): Json {
  const events = Object.entries(updates).map(([event, schema]) => ({
    type: 'object',
    properties: { event: { const: event }, data: schemaOf(schema, 'output') },
  }))
  const stream = { description: 'Server-sent events; data is JSON', content: { 'text/event-stream': { schema: { oneOf: events } } } }
  return { operationId: 'updates', tags: ['client'], security: [{ dpop: [] }], responses: { 200: stream } }
}

function licensedOperation(): Json {
  const inPath = (name: string, schema: z.ZodType) => ({ name, in: 'path', required: true, schema: schemaOf(schema, 'input') })
  const octets = (description: string) => ({ description, content: { 'application/octet-stream': {} } })
  const responses = { 200: octets('The whole file'), 206: octets('From the asked octet on'), 404: { description: 'Not there, or no subscription in force' } }
  return {
    operationId: 'licensedSoftware',
    tags: ['agent'],
    security: [{ device: [] }],
    parameters: [inPath('feature', Feature), inPath('name', PublishedName)],
    responses,
  }
}

function answer(schema: Json, text: string): Json {
  return { description: text, content: { 'application/json': { schema } } }
}

function failureSchema(): Json {
  const details = { type: 'object', additionalProperties: { type: ['string', 'number'] } }
  return { type: 'object', required: ['code'], properties: { code: { type: 'string', enum: Object.keys(errorCodes) }, details } }
}

/** OpenAPI 3.1 speaks JSON Schema 2020-12; `$schema` is said once for the whole document. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' }) as Json
  return rest
}
