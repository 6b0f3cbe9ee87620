// Stripe's official SDK, its host overridden, against the simulator: payments on a connected account, replay of
// an idempotent request, a decline as its typed error, and webhooks that its own verifier accepts.
//
//   node sdk.mjs http://127.0.0.1:12111
//
// Closes with the test runner's summary; exits with 1 when a test failed.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import Stripe from 'stripe';

const base = new URL(process.argv[2] ?? 'http://127.0.0.1:12111');
const stripe = new Stripe('sk_test_psapay_demo', {
  host: base.hostname,
  port: base.port,
  protocol: 'http',
  maxNetworkRetries: 0,
  telemetry: false,
});

// Longer than a delivery takes on a busy machine.
const WAIT_MAX_MS = 20_000;

const payment = {
  amount: 12345,
  currency: 'eur',
  application_fee_amount: 370,
  allowed_payment_method_types: ['card'],
};

// A connected account that can take cards; made through the simulator's control API, as onboarding would.
async function connectedAccount() {
  const answer = await fetch(new URL('/_simulator/accounts', base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ country: 'DE', email: 'msp@example.com', business_name: 'Nordwind IT', livemode: false }),
  });
  const account = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(account));
  return account.id;
}

// A small server for deliveries. `next(test)` resolves with the first that passes, also if it is there already.
async function inbox() {
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

describe('stripe-node against the simulator', () => {
  let stripeAccount;
  before(async () => {
    stripeAccount = await connectedAccount();
  });

  test('the account is there and can take cards', async () => {
    const account = await stripe.accounts.retrieve(stripeAccount);
    assert.equal(account.id, stripeAccount);
    assert.equal(account.charges_enabled, true);
    assert.equal(account.country, 'DE');
  });

  test('an account is created', async () => {
    const account = await stripe.accounts.create({ country: 'US', email: 'new@example.com' });
    assert.match(account.id, /^acct_/);
    assert.equal(account.charges_enabled, false);
  });

  test('a payment is created, confirmed, retrieved and listed on the connected account', async () => {
    const created = await stripe.paymentIntents.create(payment, { stripeAccount });
    assert.match(created.id, /^pi_/);
    assert.equal(created.status, 'requires_payment_method');
    assert.equal(created.lastResponse.stripeAccount, stripeAccount);

    const confirmed = await stripe.paymentIntents.confirm(
      created.id,
      { payment_method: 'pm_card_visa' },
      { stripeAccount },
    );
    assert.equal(confirmed.status, 'succeeded');
    assert.equal(confirmed.amount_received, 12345);
    assert.equal(confirmed.application_fee_amount, 370);

    const retrieved = await stripe.paymentIntents.retrieve(
      created.id,
      { expand: ['latest_charge'] },
      { stripeAccount },
    );
    assert.equal(retrieved.latest_charge.payment_method_details.card.last4, '4242');

    const listed = await stripe.paymentIntents.list({ limit: 1 }, { stripeAccount });
    assert.deepEqual(listed.data.map((intent) => intent.id), [created.id]);

    // It is an object of the connected account, not of the platform.
    await assert.rejects(stripe.paymentIntents.retrieve(created.id), { code: 'resource_missing', statusCode: 404 });
  });

  test('a list is paged through to its end', async () => {
    const ids = new Set();
    for (let index = 0; index < 3; index += 1) {
      ids.add((await stripe.paymentIntents.create({ ...payment, metadata: { index } }, { stripeAccount })).id);
    }
    for await (const intent of stripe.paymentIntents.list({ limit: 2 }, { stripeAccount })) ids.delete(intent.id);
    assert.equal(ids.size, 0);
  });

  test('the same request under the same key is answered again, another is refused', async () => {
    const options = { stripeAccount, idempotencyKey: 'pay:tenant_1:invoice_1:1:create' };
    const first = await stripe.paymentIntents.create(payment, options);
    const again = await stripe.paymentIntents.create(payment, options);
    assert.equal(again.id, first.id);
    assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
    assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
    assert.equal(again.lastResponse.headers['original-request'], first.lastResponse.requestId);
    await assert.rejects(stripe.paymentIntents.create({ ...payment, amount: 999 }, options), (error) => {
      assert.ok(error instanceof Stripe.errors.StripeIdempotencyError, error.constructor.name);
      return true;
    });
  });

  test('a decline is a StripeCardError with its codes, and the intent can be paid with another card', async () => {
    const intent = await stripe.paymentIntents.create(payment, { stripeAccount });
    const confirm = (card) =>
      stripe.paymentIntents.confirm(intent.id, { payment_method: card }, { stripeAccount });
    await assert.rejects(confirm('pm_card_visa_chargeDeclinedInsufficientFunds'), (error) => {
      assert.ok(error instanceof Stripe.errors.StripeCardError, error.constructor.name);
      assert.equal(error.statusCode, 402);
      assert.equal(error.code, 'card_declined');
      assert.equal(error.decline_code, 'insufficient_funds');
      assert.equal(error.payment_intent.id, intent.id);
      assert.equal(error.payment_intent.status, 'requires_payment_method');
      return true;
    });
    assert.equal((await confirm('pm_card_mastercard')).status, 'succeeded');
  });

  describe('webhooks', () => {
    let box;
    let endpoint;
    before(async () => {
      box = await inbox();
      endpoint = await stripe.webhookEndpoints.create({ url: box.url, enabled_events: ['*'], connect: true });
    });
    after(async () => {
      await stripe.webhookEndpoints.del(endpoint.id);
      box.server.close();
    });

    test('the verifier accepts a delivery as it was sent, and nothing else', async () => {
      const intent = await stripe.paymentIntents.create(
        { ...payment, confirm: true, payment_method: 'pm_card_visa' },
        { stripeAccount },
      );
      assert.match(endpoint.secret, /^whsec_/);
      const { body, signature } = await box.next(
        (event) => event.type === 'payment_intent.succeeded' && event.data.object.id === intent.id,
      );
      const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
      assert.equal(event.account, stripeAccount);
      assert.equal(event.livemode, false);
      assert.equal(event.data.object.amount_received, 12345);

      const refused = (altered, secret) =>
        assert.throws(
          () => stripe.webhooks.constructEvent(altered, signature, secret),
          Stripe.errors.StripeSignatureVerificationError,
        );
      refused(body.toString().replace('12345', '12346'), endpoint.secret);
      refused(JSON.stringify(JSON.parse(body)), endpoint.secret);
      refused(body, 'whsec_psapay_other_test');
    });
  });
});
