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

  // With the finger on it, it answers what it is asked from now on, also for the list at a field: as if the first one
  // there had been chosen. For one that was made with `automaticPresenceSimulation: false`.
  async touched(act) {
    await this.#touch(true);
    try {
      return await act();
    } finally {
      await this.#touch(false);
    }
  }

  // Whether it says that it has not looked at who holds it.
  saysNothingOfItsHolder(isBadUV) {
    return this.#session.send("WebAuthn.setResponseOverrideBits", { authenticatorId: this.#id, isBadUV });
  }

  // From now on it does, or does not, recognise who holds it.
  recognises(isUserVerified) {
    return this.#session.send("WebAuthn.setUserVerified", { authenticatorId: this.#id, isUserVerified });
  }

  #touch(enabled) {
    return this.#session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.#id, enabled });
  }
}
