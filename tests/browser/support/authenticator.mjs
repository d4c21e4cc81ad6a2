// An authenticator app (RFC 6238), told its secret as a page shows it.

import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP = 30;

export class Authenticator {
  #key;

  constructor(shown) {
    const bits = [...shown.replaceAll(" ", "")].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0"));
    this.#key = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  }

  // The code of now, or of so many steps from now: a clock may be one off, and each step is good for one code.
  code(steps = 0) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / STEP) + steps));
    const mac = createHmac("sha1", this.#key).update(counter).digest();
    const at = mac.at(-1) & 0xf;
    return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }

  wrongCode() {
    const near = [-2, -1, 0, 1, 2].map((steps) => this.code(steps));
    return ["000000", "000001", "000002", "000003", "000004", "000005"].find((code) => !near.includes(code));
  }
}
