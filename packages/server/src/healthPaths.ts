/** Where the server says how it is: that it lives, whether it is ready, and what it has counted. */
export const healthPaths = ["/livez", "/readyz", "/metrics"] as const

export type HealthPath = (typeof healthPaths)[number]
