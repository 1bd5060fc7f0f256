import type { NoticeFacts, NoticePayload, NoticeRule } from '@gantry/shared/notice.ts'
import type { Language } from '@gantry/shared/words/errors.ts'
import { type NoticeWords, noticeEn } from '@gantry/shared/words/notice.en.ts'
import { noticeFr } from '@gantry/shared/words/notice.fr.ts'

export const noticeWords: Record<Language, NoticeWords> = { en: noticeEn, fr: noticeFr }

/** One notice as it goes to one contact. */
export type Message = {
  id: string
  facts: NoticeFacts
  rule: Exclude<NoticeRule, 'none'>
  language: Language
  answerUrl: string
  /** Until when an answer is waited for; null where none is needed. */
  answerBeforeMs: number | null
}

export function composeMail({ facts, rule, language, answerUrl, answerBeforeMs }: Message): { subject: string; text: string } {
  const words = noticeWords[language]
  const text = [
    words.lead(facts.specialist.name, facts.device.name),
    whatHappens(rule, answerBeforeMs, facts, language),
    words.device,
    factLines(facts, language)
      .map(([name, value]) => words.line(name, value))
      .join('\n'),
    `${words.link}\n${answerUrl}`,
    words.automatic,
  ]
  return { subject: words.subject(facts.device.name, facts.caseId), text: `${text.join('\n\n')}\n` }
}

export function whatHappens(rule: Message['rule'], answerBeforeMs: number | null, facts: NoticeFacts, language: Language): string {
  const words = noticeWords[language]
  return rule === 'accepted' && answerBeforeMs !== null ? words.accepted(clockAt(answerBeforeMs, facts.site.timeZone, language)) : words.told
}

/** What mail and page say of the request, in order. */
export function factLines(facts: NoticeFacts, language: Language): [name: string, value: string][] {
  const words = noticeWords[language]
  const { specialist, device, site } = facts
  return [
    [words.facts.who, `${specialist.name}, ${specialist.employer}`],
    [words.facts.from, `${specialist.city}, ${specialist.country}`],
    [words.facts.tier, String(specialist.tier)],
    [words.facts.device, words.deviceName(device.name, device.serial)],
    [words.facts.site, `${facts.customer}, ${site.name}, ${site.city}`],
    [words.facts.level, words.levels[facts.access]],
    [words.facts.kind, words.kinds[facts.serviceKind]],
    [words.facts.case, facts.caseId],
    [words.facts.minutes, words.minutes(facts.minutes)],
    [words.facts.why, facts.escalated ? words.escalated : words.rule],
  ]
}

/** At the site, with its seconds and the name of its zone. */
function clockAt(ms: number, timeZone: string, language: Language): string {
  return new Intl.DateTimeFormat(`${language}-CA`, { timeStyle: 'long', timeZone, hourCycle: 'h23' }).format(ms)
}

export function webhookPayload({ id, facts, rule, answerUrl, answerBeforeMs }: Message, audience: string, nowMs: number): NoticePayload {
  const answerBefore = answerBeforeMs === null ? null : Math.floor(answerBeforeMs / 1000)
  return { version: 1, id, audience, issuedAt: Math.floor(nowMs / 1000), rule, answerUrl, answerBefore, facts }
}
