import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AllowList } from '@gantry/shared/allow-list.ts'
import { itGuide } from '@gantry/shared/it-guide.ts'
import { itGuideEn } from '@gantry/shared/words/it-guide.en.ts'
import { itGuideFr } from '@gantry/shared/words/it-guide.fr.ts'
import { passportEn } from '@gantry/shared/words/passport.en.ts'
import { passportFr } from '@gantry/shared/words/passport.fr.ts'

/** Writes the guides in `docs/` from the published endpoints, as a device prints its own from its own list. */
const docs = join(import.meta.dirname, '../docs')

export function printedGuides(): Record<string, string> {
  const list = AllowList.parse(JSON.parse(readFileSync(join(docs, 'endpoints.json'), 'utf8')))
  return {
    'it-guide.en.md': itGuide(list, itGuideEn, passportEn),
    'it-guide.fr.md': itGuide(list, itGuideFr, passportFr),
  }
}

if (import.meta.main) for (const [name, text] of Object.entries(printedGuides())) writeFileSync(join(docs, name), text)
