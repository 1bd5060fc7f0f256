/** The same as in package.json; a test compares them. */
export const agentVersion = '0.1.0'
