// A device with a key store, as the browser's own tools pretend one (WebDriver's virtual authenticators).

export class KeyStore {
  #session;
  #id;

  // For this tab alone. Whoever holds the device is recognised by it, and has consented before being asked.
  static async beside(page, options = {}) {
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        ...options,
      },
    });
    return new KeyStore(session, authenticatorId);
  }

  constructor(session, id) {
    this.#session = session;
    this.#id = id;
  }

  async keys() {
    const { credentials } = await this.#session.send("WebAuthn.getCredentials", { authenticatorId: this.#id });
    return credentials;
  }

  // From now on it does, or does not, recognise who holds it.
  recognises(isUserVerified) {
    return this.#session.send("WebAuthn.setUserVerified", { authenticatorId: this.#id, isUserVerified });
  }
}
