import type { ExtraRoutes } from "@millrace/core/host"

type Reply = ExtraRoutes.ExtraReply

const refusal = (status: number, message: string): Reply => ({
  status,
  body: JSON.stringify({ message, status }),
})

export const badRequest = (message: string): Reply => refusal(400, message)
export const unauthorized: Reply = refusal(401, "missing or invalid statsig-api-key")
export const serversOnly: Reply = refusal(403, "statsig-api-key: this is for server keys")

/** As Statsig's OpenAPI document says "not now". SDKs go on with what they have. */
export const away: Reply = {
  status: 503,
  headers: { "retry-after": "5" },
  body: JSON.stringify({ success: false, message: "Statsig does not answer", status: 503 }),
}

/** Statsig answers something that cannot be passed on. */
export const unusable: Reply = refusal(502, "Statsig's reply cannot be passed on")
