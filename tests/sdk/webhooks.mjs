// Webhooks as they were really delivered, whole and thin, before the SDK's own verifiers.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Stripe from 'stripe';
import { connectedAccount, control, inbox, stripe } from './simulator.mjs';

const payment = {
  amount: 12345,
  currency: 'eur',
  confirm: true,
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
};

describe('webhooks', () => {
  let box;
  let endpoint;
  let stripeAccount;
  before(async () => {
    stripeAccount = await connectedAccount();
    box = await inbox();
    endpoint = await stripe.webhookEndpoints.create({ url: box.url, enabled_events: ['*'], connect: true });
  });
  after(async () => {
    await stripe.webhookEndpoints.del(endpoint.id);
    box.server.close();
  });

  test('the verifier accepts a delivery as it was sent, and nothing else', async () => {
    const intent = await stripe.paymentIntents.create(payment, { stripeAccount });
    assert.match(endpoint.secret, /^whsec_/);
    const { body, signature } = await box.next(
      (event) => event.type === 'payment_intent.succeeded' && event.data.object.id === intent.id,
    );
    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
    assert.equal(event.account, stripeAccount);
    assert.equal(event.livemode, false);
    assert.equal(event.api_version, Stripe.API_VERSION ?? event.api_version);
    assert.equal(event.data.object.amount_received, 12345);

    const refuses = (altered, secret) =>
      assert.throws(
        () => stripe.webhooks.constructEvent(altered, signature, secret),
        Stripe.errors.StripeSignatureVerificationError,
      );
    refuses(body.toString().replace('12345', '12346'), endpoint.secret);
    refuses(JSON.stringify(JSON.parse(body)), endpoint.secret);
    refuses(body, 'whsec_psapay_other_test');
  });

  test('a thin event is verified, and what it is about is fetched', async () => {
    const thin = await inbox();
    const secret = 'whsec_psapay_thin_test';
    await control('endpoints', { url: thin.url, secret, livemode: false, connect: false, kind: 'thin' });
    const customer = await stripe.customers.create({ name: 'Thin' });
    const { body, signature } = await thin.next((event) => event.related_object?.id === customer.id);
    const note = stripe.parseEventNotification(body, signature, secret);
    assert.equal(note.type, 'v1.customer.created');
    assert.equal(note.related_object.id, customer.id);
    assert.equal(note.livemode, false);
    assert.throws(() => stripe.parseEventNotification(body, signature, 'whsec_other'), /signature/i);
    thin.server.close();
  });

  test('an event can be read again, and says which request caused it', async () => {
    const customer = await stripe.customers.create({ name: 'Read' });
    const events = await stripe.events.list({ type: 'customer.created', limit: 1 });
    assert.equal(events.data[0].data.object.id, customer.id);
    assert.equal(events.data[0].request.id, customer.lastResponse.requestId);
    assert.equal((await stripe.events.retrieve(events.data[0].id)).type, 'customer.created');
  });
});
