// Prints requests as their senders make them, signed by the senders' own libraries: one JSON object a line.
// The first argument is the folder of the libraries; standard input has the secrets by source.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const load = createRequire(join(process.argv[2], "package.json"));
const secrets = JSON.parse(readFileSync(0, "utf8"));
const seconds = Math.floor(Date.now() / 1000);
const print = (source, headers, body, facts = {}) =>
  console.log(JSON.stringify({ source, headers: { "content-type": "application/json", ...headers }, body, ...facts }));

const { sign } = await import(join(process.argv[2], "node_modules/@octokit/webhooks-methods/dist-src/index.js"));
const events = load("@octokit/webhooks-examples/api.github.com/index.json");
let delivery = 0;
for (const event of events) {
  for (const example of event.examples) {
    const payload = example.payload ?? example;
    const body = JSON.stringify(payload);
    delivery += 1;
    const headers = {
      "x-github-event": event.name,
      "x-github-delivery": `00000000-0000-4000-8000-${String(delivery).padStart(12, "0")}`,
      "x-hub-signature-256": await sign(secrets.github, body),
    };
    print("github", headers, body, { event: event.name, action: payload.action ?? null, user: payload.sender?.login ?? null });
  }
}

const Stripe = load("stripe");
const charge = JSON.stringify({ id: "evt_1", object: "event", type: "charge.failed", created: seconds - 60, data: { object: { amount: 500 } } });
for (const timestamp of [seconds, seconds - 240]) {
  const header = Stripe.webhooks.generateTestHeaderString({ payload: charge, secret: secrets.stripe, timestamp });
  print("stripe", { "stripe-signature": header }, charge, { event: "charge.failed" });
}

const { Webhook } = load("standardwebhooks");
const invoice = JSON.stringify({ type: "invoice.paid", timestamp: "2026-01-02T03:04:05Z", data: { id: "inv_1" } });
const signature = new Webhook(secrets.standard).sign("msg_1", new Date(seconds * 1000), invoice);
for (const prefix of ["webhook", "svix"]) {
  const headers = { [`${prefix}-id`]: "msg_1", [`${prefix}-timestamp`]: String(seconds), [`${prefix}-signature`]: signature };
  print("standard", headers, invoice, { event: "invoice.paid" });
}
