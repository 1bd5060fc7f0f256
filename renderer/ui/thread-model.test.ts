import { EndCause } from '@gantry/shared/access-request.ts'
import { describe, expect, test } from 'vitest'
import { cutBy, offline, threadOf } from './thread-model.ts'

const reach = (why: Parameters<typeof threadOf>[0]['why'], stopsAt: 'gantry' | 'site' | 'device' | null) => threadOf({ why, stopsAt, sinceMs: null })

describe('the thread says where a session runs, and where it stops', () => {
  test('a device that can be reached has a whole line', () => {
    expect(reach('reachable', null)).toEqual({ tone: 'ok', nodes: ['dot', 'dot', 'dot', 'dot'], hops: ['solid', 'solid', 'solid'], halo: 'none' })
  })

  test('what does not answer is a cross, before which the line breaks, and red only where something is broken', () => {
    expect(reach('site-silent', 'site')).toEqual({ tone: 'danger', nodes: ['dot', 'dot', 'cross', 'hollow'], hops: ['solid', 'dim', 'dim'], halo: 'none' })
    expect(reach('silent', 'device')).toMatchObject({ tone: 'off', nodes: ['dot', 'dot', 'dot', 'cross'], hops: ['solid', 'solid', 'dim'] })
  })

  test('what is closed by rule is a square that the line reaches', () => {
    expect(reach('connectivity-off', 'device')).toMatchObject({ nodes: ['dot', 'dot', 'dot', 'square'], hops: ['solid', 'solid', 'solid'] })
    expect(reach('entitlement-ended', 'gantry')).toMatchObject({ nodes: ['dot', 'square', 'hollow', 'hollow'], hops: ['solid', 'dim', 'dim'] })
  })

  test('only waiting for a person breathes', () => {
    expect(reach('waiting', null)).toMatchObject({ tone: 'wait', halo: 'breathing' })
    expect(reach('in-session', null)).toMatchObject({ tone: 'live', halo: 'still' })
  })

  test('offline takes the colour and the first hop, and keeps what was known of the rest', () => {
    expect(offline(reach('site-silent', 'site'))).toEqual({ tone: 'off', nodes: ['dot', 'dot', 'cross', 'hollow'], hops: ['dim', 'dim', 'dim'], halo: 'none' })
    expect(offline(reach('in-session', null))).toMatchObject({ tone: 'off', hops: ['dim', 'solid', 'solid'], halo: 'none' })
  })

  test('every end cause cuts one hop beside one square', () => {
    for (const cause of EndCause.options) {
      const { nodes, hops } = cutBy(cause)
      expect(nodes.filter((node) => node === 'square')).toHaveLength(1)
      expect(hops.filter((hop) => hop === 'dim')).toHaveLength(1)
    }
    expect(cutBy('person')).toMatchObject({ tone: 'danger', nodes: ['dot', 'dot', 'dot', 'square'], hops: ['solid', 'solid', 'dim'] })
    expect(cutBy('specialist')).toMatchObject({ tone: 'ok', nodes: ['square', 'dot', 'dot', 'dot'], hops: ['dim', 'solid', 'solid'] })
  })
})
