import { z } from 'zod'

// Zod tries whether it may compile code from text. The page's policy says no, and every try would be reported: it need not ask.
z.config({ jitless: true })
