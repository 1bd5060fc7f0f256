import type { Services, ServicesOptions } from './services.ts'

/** The composition root of the client's services: by hand and in order. It starts offline and without a keychain too. */
export declare function createServices(options: ServicesOptions): Promise<Services>
