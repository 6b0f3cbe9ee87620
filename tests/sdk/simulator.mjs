// The simulator that the scripts are run against, and an inbox for what it posts.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import Stripe from 'stripe';

export const base = new URL(process.argv[2] ?? 'http://127.0.0.1:12111');

export const client = (key = 'sk_test_psapay_demo', more = {}) =>
  new Stripe(key, {
    host: base.hostname,
    port: base.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
    ...more,
  });

export const stripe = client();

// Longer than a delivery takes on a busy machine.
const WAIT_MAX_MS = 20_000;

// A request of the simulator's own control API.
export async function control(path, body) {
  const answer = await fetch(new URL(`/_simulator/${path}`, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
  const value = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(value));
  return value;
}

export const advance = (ms) => control('clock', { advance_ms: ms });

// A connected account that can take cards; made through the control API, as onboarding would.
export async function connectedAccount() {
  const wanted = { country: 'DE', email: 'msp@example.com', business_name: 'Nordwind IT', livemode: false };
  return (await control('accounts', wanted)).id;
}

// Checks that a call is refused with an error of a class, and answers the error.
export async function refused(call, kind) {
  const answered = await call.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  assert.ok(answered.error, `not refused: ${JSON.stringify(answered.value)}`);
  assert.ok(answered.error instanceof Stripe.errors[kind], `${answered.error.constructor.name}: ${answered.error.message}`);
  return answered.error;
}

// Calls until what is asked for is there.
export async function until(call, passes) {
  for (let tries = 0; tries < 100; tries += 1) {
    const value = await call();
    if (passes(value)) return value;
    await advance(1_000);
  }
  throw new Error('it did not come');
}

// A small server for deliveries. `next(test)` resolves with the first that passes, also if it is there already.
export async function inbox() {
  const deliveries = [];
  const waiting = new Set();
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    deliveries.push({ body: Buffer.concat(chunks), signature: request.headers['stripe-signature'] });
    response.end();
    for (const look of waiting) look();
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const next = (passes) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = deliveries.find((delivery) => passes(JSON.parse(delivery.body)));
        if (!found) return;
        waiting.delete(look);
        clearTimeout(limit);
        resolve(found);
      };
      const limit = setTimeout(() => {
        const types = deliveries.map((delivery) => JSON.parse(delivery.body).type);
        reject(new Error(`no such delivery in ${WAIT_MAX_MS} ms, only: ${types.join(', ')}`));
      }, WAIT_MAX_MS);
      waiting.add(look);
      look();
    });
  return { url: `http://127.0.0.1:${server.address().port}/`, next, server };
}
