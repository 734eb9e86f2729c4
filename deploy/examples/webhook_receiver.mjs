// Receives webhooks: answers the challenge, checks signatures, and prints every CloudEvent once, as a line of JSON.
//
//     WEBHOOK_SECRET=whsec_… node webhook_receiver.mjs
//
// Needs `npm install standardwebhooks`. With WEBHOOK_PUBLIC_KEY=whpk_… it checks the signature of the public key (v1a)
// instead, which takes nothing but Node. It listens on PORT (9000) of HOST (127.0.0.1): put your own web server with TLS
// in front. An event comes again until it was answered with 2xx; here what was handled is forgotten at the end.
import { createServer } from "node:http";
import { createPublicKey, verify } from "node:crypto";
import { Webhook } from "standardwebhooks";

const { WEBHOOK_SECRET, WEBHOOK_PUBLIC_KEY, HOST = "127.0.0.1", PORT = "9000" } = process.env;
const handled = new Set();

function believed(body, headers) {
  if (WEBHOOK_PUBLIC_KEY === undefined) {
    return new Webhook(WEBHOOK_SECRET).verify(body, headers);
  }
  const x = Buffer.from(WEBHOOK_PUBLIC_KEY.slice("whpk_".length), "base64").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const at = headers["webhook-timestamp"];
  const content = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${at}.`), body]);
  const signed = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1a,"))
    .some((one) => verify(null, content, key, Buffer.from(one.slice(4), "base64")));
  if (!signed || Math.abs(Date.now() / 1000 - Number(at)) > 300) {
    throw new Error("not signed by this key, or too old");
  }
  return JSON.parse(body);
}

createServer(async (request, response) => {
  const answer = (status, content) => response.writeHead(status, { "Content-Type": "application/json" })
    .end(JSON.stringify(content));
  try {
    // The signature is that of the bytes as they came, so these are checked before they are read.
    const event = believed(Buffer.concat(await request.toArray()), request.headers);
    if (event.type === "org.caserelay.subscription.verification.v1") {
      answer(200, { challenge: event.data.challenge });
      return;
    }
    if (!handled.has(event.id)) {
      handled.add(event.id);
      console.log(JSON.stringify(event));
    }
    answer(200, {});
  } catch {
    answer(400, { error: "the signature is not that of our secret, or too old" });
  }
}).listen(Number(PORT), HOST);
