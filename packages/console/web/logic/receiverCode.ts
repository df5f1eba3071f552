/**
 * A receiver in a few lines, for whoever connects a webhook: it checks the signature, and takes an
 * event that comes twice once. The secret stands in a variable of the environment, never in it.
 */

/** The variable that the receivers read the secret from. */
export const secretVariable = "MILLRACE_SECRET"

export const receivers = {
  Express: `import { verifySignature } from "@millrace/node"
import express from "express"

const app = express()
app.post("/events", express.raw({ type: "*/*", limit: "2mb" }), (req, res) => {
  const check = verifySignature(req, {
    standardWebhooks: process.env.${secretVariable},
  })
  if (!check.valid) return res.status(401).end(check.reason)
  for (const event of JSON.parse(req.body)) {
    save(event.timeUUID, event) // the same id twice is the same event
  }
  res.sendStatus(202)
})
app.listen(9000)`,
  Python: `import os

from flask import Flask, request
from standardwebhooks.webhooks import Webhook

app = Flask(__name__)
webhook = Webhook(os.environ["${secretVariable}"])

@app.post("/events")
def events():
    batch = webhook.verify(request.get_data(), dict(request.headers))
    for event in batch:
        save(event["timeUUID"], event)  # the same id twice is the same event
    return "", 202`,
  Go: `webhook, err := standardwebhooks.NewWebhook(os.Getenv("${secretVariable}"))
if err != nil {
	log.Fatal(err)
}
http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2<<20))
	if err != nil || webhook.Verify(body, r.Header) != nil {
		http.Error(w, "signature", http.StatusUnauthorized)
		return
	}
	var batch []Event
	if err := json.Unmarshal(body, &batch); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	save(batch) // by timeUUID: the same id twice is the same event
	w.WriteHeader(http.StatusAccepted)
})`,
} as const

export type Language = keyof typeof receivers

export const languages = Object.keys(receivers) as ReadonlyArray<Language>
