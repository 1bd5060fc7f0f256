import { z } from 'zod'

// Before any schema is made: zod would try `new Function`, which the page's content policy forbids (and the browser reports).
z.config({ jitless: true })
