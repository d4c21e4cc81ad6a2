// An identity provider of samlify, on a loopback port. Everybody who comes is signed in as whoever its settings say, at
// once: what a provider asks of people is tried with another one.
//
//   node samlify.mjs PORT SETTINGS   SETTINGS is a JSON file, read with every request:
//     key, certificate   PEM
//     service            metadata of the one service that it answers
//     person             {id, email, name, groups}
//     sign_response, sign_assertion, encrypt
//     binding            redirect or post: how it speaks of signing out

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import samlify from "samlify";

const { Constants, IdentityProvider, SamlLib, ServiceProvider, setSchemaValidator } = samlify;

// Its documents are held to a schema by whoever wants that; it signs and verifies all the same.
setSchemaValidator({ validate: async () => "skipped" });

const [port, file] = process.argv.slice(2);
const at = `http://127.0.0.1:${port}`;
const { redirect, post } = Constants.namespace.binding;

const LOGIN =
  '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{ID}" Version="2.0" IssueInstant="{Now}" Destination="{Acs}" InResponseTo="{InResponseTo}"><saml:Issuer>{Issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{AssertionID}" Version="2.0" IssueInstant="{Now}"><saml:Issuer>{Issuer}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{NameID}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{Soon}" Recipient="{Acs}" InResponseTo="{InResponseTo}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{Now}" NotOnOrAfter="{Soon}"><saml:AudienceRestriction><saml:Audience>{Audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{Now}" SessionIndex="{SessionIndex}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>{Attributes}</saml:Assertion></samlp:Response>';

const parties = () => {
  const settings = JSON.parse(readFileSync(file, "utf8"));
  const provider = IdentityProvider({
    entityID: `${at}/metadata`,
    privateKey: settings.key,
    signingCert: settings.certificate,
    wantAuthnRequestsSigned: true,
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    dataEncryptionAlgorithm: Constants.algorithms.encryption.data.AES_128_GCM,
    keyEncryptionAlgorithm: Constants.algorithms.encryption.key.RSA_OAEP_MGF1P,
    isAssertionEncrypted: settings.encrypt,
    loginResponseTemplate: { context: LOGIN, attributes: [] },
    singleSignOnService: [{ Binding: redirect, Location: `${at}/sso` }, { Binding: post, Location: `${at}/sso` }],
    singleLogoutService: [{ Binding: { redirect, post }[settings.binding], Location: `${at}/slo` }],
  });
  const metadata = settings.service.replace(/WantAssertionsSigned="[^"]*"/, "");
  const signed = metadata.replace("<md:SPSSODescriptor", `<md:SPSSODescriptor WantAssertionsSigned="${settings.sign_assertion}"`);
  const service = ServiceProvider({
    metadata: signed,
    wantMessageSigned: settings.sign_response,
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
  });
  return { settings, provider, service };
};

const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
const newId = () => `_${randomBytes(20).toString("hex")}`;

const attribute = (name, values) =>
  `<saml:Attribute Name="${name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">${values
    .map((value) => `<saml:AttributeValue xsi:type="xs:string">${escaped(value)}</saml:AttributeValue>`)
    .join("")}</saml:Attribute>`;

const page = (action, fields) =>
  `<!doctype html><title>Provider</title><form method="post" action="${escaped(action)}">${Object.entries(fields)
    .filter(([, value]) => value)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`)
    .join("")}<button>Continue</button></form>`;

const answer = async ({ settings, provider, service }, asked, state) => {
  const instant = (later) => new Date(Date.now() + later).toISOString();
  const acs = service.entityMeta.getAssertionConsumerService("post");
  const { id, email, name, groups } = settings.person;
  const said = {
    ID: newId(),
    AssertionID: newId(),
    Now: instant(0),
    Soon: instant(300_000),
    Acs: acs,
    Issuer: provider.entityMeta.getEntityID(),
    Audience: service.entityMeta.getEntityID(),
    InResponseTo: asked?.extract.request.id,
    NameID: id,
    SessionIndex: `session-of-${id}`,
  };
  const attributes = `<saml:AttributeStatement>${attribute("email", [email])}${attribute("name", [name])}${attribute("groups", groups)}</saml:AttributeStatement>`;
  const fill = (template) => ({
    id: said.ID,
    context: SamlLib.replaceTagsByValue(template.replace("{Attributes}", attributes), said),
  });
  const { context } = await provider.createLoginResponse(service, asked, "post", { email }, fill, true, state);
  return page(acs, { SAMLResponse: context, RelayState: state });
};

const carry = (binding, name, { context, entityEndpoint }, state) =>
  binding === "redirect" ? { redirect: context } : page(entityEndpoint, { [name]: context, RelayState: state });

const signedOut = ({ settings, provider, service }, asked, state) =>
  carry(settings.binding, "SAMLResponse", provider.createLogoutResponse(service, asked, settings.binding, state), state);

const signOut = ({ settings, provider, service }) => {
  const user = { logoutNameID: settings.person.id, sessionIndex: `session-of-${settings.person.id}` };
  const state = "its own state";
  const request = provider.createLogoutRequest(service, settings.binding, user, state);
  return carry(settings.binding, "SAMLRequest", request, state);
};

const body = async (request) => {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  return Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
};

/** As samlify wants it: of a redirect, what was signed is the query without its signature. */
const arrived = async (request, url) => {
  if (request.method === "POST") {
    return ["post", { body: await body(request) }];
  }
  const octetString = url.search.slice(1).split("&").filter((part) => !part.startsWith("Signature=")).join("&");
  return ["redirect", { query: Object.fromEntries(url.searchParams), octetString }];
};

const handle = async (request) => {
  const url = new URL(request.url, at);
  const all = parties();
  const { provider, service } = all;
  if (url.pathname === "/metadata") {
    return provider.getMetadata();
  }
  if (url.pathname === "/begin") {
    return answer(all, null, url.searchParams.get("RelayState"));
  }
  if (url.pathname === "/sign-out") {
    return signOut(all);
  }
  const [binding, message] = await arrived(request, url);
  const { RelayState: state, SAMLResponse: told } = message.query ?? message.body;
  if (url.pathname === "/sso") {
    return answer(all, await provider.parseLoginRequest(service, binding, message), state);
  }
  if (url.pathname === "/slo" && told) {
    await provider.parseLogoutResponse(service, binding, message);
    return "<!doctype html><title>Provider</title><p>Signed out everywhere</p>";
  }
  if (url.pathname === "/slo") {
    return signedOut(all, await provider.parseLogoutRequest(service, binding, message), state);
  }
  return null;
};

createServer(async (request, response) => {
  try {
    const said = await handle(request);
    if (said?.redirect) {
      response.writeHead(302, { location: said.redirect });
      response.end();
      return;
    }
    response.writeHead(said === null ? 404 : 200, { "content-type": "text/html; charset=utf-8", connection: "close" });
    response.end(said ?? "");
  } catch (error) {
    console.error(error);
    response.writeHead(500, { "content-type": "text/plain", connection: "close" });
    response.end(`refused: ${error}`);
  }
}).listen(Number(port), "127.0.0.1");
