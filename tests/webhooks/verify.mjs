// Verifies a signed webhook as its receivers do: the published library, and ed25519 by Node itself.
//
//     node verify.mjs NODE_MODULES < {"headers": {…}, "body": "…", "shared": ["whsec_…"], "public": ["<base64>"]}

import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Webhook } = createRequire(`${process.argv[2]}/`)("standardwebhooks");
const { headers, body, shared, public: keys } = JSON.parse(readFileSync(0, "utf8"));

for (const secret of shared) new Webhook(secret).verify(body, headers);

const signatures = headers["webhook-signature"].split(" ").map((one) => one.split(","));
const asymmetric = signatures.filter(([version]) => version === "v1a").map(([, text]) => Buffer.from(text, "base64"));
if (asymmetric.length !== keys.length) throw new Error(`${asymmetric.length} ed25519 signatures`);
const content = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
for (const [place, key] of keys.entries()) {
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(key, "base64").toString("base64url") };
  if (!verify(null, content, createPublicKey({ key: jwk, format: "jwk" }), asymmetric[place])) {
    throw new Error(`the ed25519 signature ${place} is wrong`);
  }
}
