// What a payment has to carry besides the card: the token of a page that was served at least two seconds ago,
// and, while the seller's payments look like card testing, the number that the page's work led to.
const pageToken = (function () {
  "use strict";

  // The server wants two seconds; its clock and ours need not begin to count at the same moment.
  const AGE_MIN_MS = 2100;
  // The server takes thirty minutes.
  const RENEW_AFTER_MS = 10 * 60 * 1000;
  const AGE_MAX_MS = 25 * 60 * 1000;

  // Oldest first: { text, since, rounds, bits }. The newest may be too young to be used.
  let tokens = [];

  // Takes the token of a form that the server has just sent.
  function take(form) {
    const { pageToken: text, workRounds, workBits } = form.dataset;
    const newest = tokens[tokens.length - 1];
    const [rounds, bits] = [Number(workRounds || 0), Number(workBits || 0)];
    // A token is good for what was due when its page was shown, which it names.
    if (newest && due(newest.text) !== due(text)) drop();
    else if (newest && age(newest) < RENEW_AFTER_MS && newest.bits === bits) return;
    tokens = tokens.concat({ text, since: performance.now(), rounds, bits }).slice(-2);
  }

  // None of the tokens is of use any more.
  function drop() {
    tokens = [];
  }

  // Whether there is a token that will do.
  function has() {
    const newest = tokens[tokens.length - 1];
    return Boolean(newest) && age(newest) < AGE_MAX_MS;
  }

  // What a press on Pay sends along: { page_token, proof }. Resolves once the token is old enough and its work
  // is done. Work is good for one press.
  async function fields() {
    const newest = tokens[tokens.length - 1];
    const ready = tokens.filter(function (token) {
      return age(token) >= AGE_MIN_MS && age(token) < AGE_MAX_MS && token.bits === newest.bits;
    });
    const token = ready.pop() || newest;
    const proof = token.bits > 0 ? await work(token) : undefined;
    await new Promise(function (resolve) {
      window.setTimeout(resolve, Math.max(0, AGE_MIN_MS - age(token)));
    });
    if (proof !== undefined) drop();
    return { page_token: token.text, proof };
  }

  function due(text) {
    return text.split("-")[2];
  }

  function age(token) {
    return performance.now() - token.since;
  }

  // Tries numbers until the key derived from the token and the number begins with enough zero bits.
  async function work(token) {
    const encoder = new TextEncoder();
    const key = await crypto.subtle.importKey("raw", encoder.encode(token.text), "PBKDF2", false, [
      "deriveBits",
    ]);
    for (let number = 0; ; number += 1) {
      const salt = encoder.encode(String(number));
      const derived = await crypto.subtle.deriveBits(
        { name: "PBKDF2", hash: "SHA-256", salt, iterations: token.rounds },
        key,
        256,
      );
      if (new DataView(derived).getUint32(0) >>> (32 - token.bits) === 0) return String(number);
    }
  }

  return { take, drop, has, fields };
})();
