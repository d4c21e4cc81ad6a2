// An app that believes Vestibule-Assertion and nothing else. Needs jose:
//
//     npm install
//     VESTIBULE=https://auth.example.com APP=https://app.example.com PORT=3000 node app.mjs

import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

const issuer = process.env.VESTIBULE; // server.public_url
const audience = process.env.APP; // this app, as people type it
// Fetched when it is first needed, kept for ten minutes, fetched again for a key that is not in it.
const keys = createRemoteJWKSet(new URL(process.env.JWKS_URL ?? `${issuer}/.well-known/jwks.json`));

/** The claims; it throws where there is nobody to believe in. */
async function whoComes(assertion) {
  const { payload } = await jwtVerify(assertion, keys, {
    algorithms: ["ES256"], // never what the token itself says
    audience,
    issuer,
    clockTolerance: 5, // seconds by which the clocks may differ
    maxTokenAge: 60, // seconds; and none that is signed tomorrow
    requiredClaims: ["sub", "exp"],
  });
  return payload;
}

const app = createServer(async (request, response) => {
  let [status, answer] = [401, {}];
  try {
    [status, answer] = [200, await whoComes(request.headers["vestibule-assertion"] ?? "")];
  } catch (error) {
    answer = { error: error.message };
  }
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
});
app.listen(Number(process.env.PORT), "127.0.0.1");
