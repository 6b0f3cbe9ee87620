// Payments on a connected account: created, confirmed, declined, authenticated, captured, replayed, listed.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { connectedAccount, control, refused, stripe } from './simulator.mjs';

const payment = {
  amount: 12345,
  currency: 'eur',
  application_fee_amount: 370,
  allowed_payment_method_types: ['card'],
};

describe('payments', () => {
  let stripeAccount;
  before(async () => {
    stripeAccount = await connectedAccount();
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
      { expand: ['latest_charge.balance_transaction'] },
      { stripeAccount },
    );
    assert.equal(retrieved.latest_charge.payment_method_details.card.last4, '4242');

    const listed = await stripe.paymentIntents.list({ limit: 1 }, { stripeAccount });
    assert.deepEqual(listed.data.map((intent) => intent.id), [created.id]);

    // It is an object of the connected account, not of the platform.
    await assert.rejects(stripe.paymentIntents.retrieve(created.id), { code: 'resource_missing', statusCode: 404 });
  });

  test('a list is paged through to its end, in both directions', async () => {
    const made = [];
    for (let index = 0; index < 5; index += 1) {
      made.push((await stripe.paymentIntents.create({ ...payment, metadata: { index } }, { stripeAccount })).id);
    }
    const newest = [];
    for await (const intent of stripe.paymentIntents.list({ limit: 2 }, { stripeAccount })) newest.push(intent.id);
    assert.deepEqual(newest.slice(0, 5), made.toReversed());
    const newer = [];
    const from = { limit: 2, ending_before: made[0] };
    for await (const intent of stripe.paymentIntents.list(from, { stripeAccount })) newer.push(intent.id);
    assert.deepEqual(newer, made.slice(1));
  });

  test('the same request under the same key is answered again, another is refused', async () => {
    const options = { stripeAccount, idempotencyKey: 'pay:tenant_1:invoice_1:1:create' };
    const first = await stripe.paymentIntents.create(payment, options);
    const again = await stripe.paymentIntents.create(payment, options);
    assert.equal(again.id, first.id);
    assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
    assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
    assert.equal(again.lastResponse.headers['original-request'], first.lastResponse.requestId);
    await refused(stripe.paymentIntents.create({ ...payment, amount: 999 }, options), 'StripeIdempotencyError');
    await refused(stripe.customers.create({}, options), 'StripeIdempotencyError');
  });

  test('a decline is a StripeCardError with its codes, and the intent can be paid with another card', async () => {
    const intent = await stripe.paymentIntents.create(payment, { stripeAccount });
    const confirm = (card) =>
      stripe.paymentIntents.confirm(intent.id, { payment_method: card }, { stripeAccount });
    const error = await refused(confirm('pm_card_visa_chargeDeclinedInsufficientFunds'), 'StripeCardError');
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, 'card_declined');
    assert.equal(error.decline_code, 'insufficient_funds');
    assert.equal(error.payment_intent.id, intent.id);
    assert.equal(error.payment_intent.status, 'requires_payment_method');
    assert.match(error.charge, /^ch_/);
    assert.equal((await confirm('pm_card_mastercard')).status, 'succeeded');
  });

  test('a holder authenticates at the bank, or fails to', async () => {
    const start = () =>
      stripe.paymentIntents.create(
        {
          ...payment,
          confirm: true,
          payment_method: 'pm_card_threeDSecure2Required',
          return_url: 'https://pay.example/back',
        },
        { stripeAccount },
      );
    const good = await start();
    assert.equal(good.status, 'requires_action');
    assert.equal(good.next_action.type, 'redirect_to_url');
    await control(`payment_intents/${good.id}/challenge`, { outcome: 'complete' });
    const paid = await stripe.paymentIntents.retrieve(good.id, {}, { stripeAccount });
    assert.equal(paid.status, 'succeeded');
    const bad = await start();
    await control(`payment_intents/${bad.id}/challenge`, { outcome: 'fail' });
    const open = await stripe.paymentIntents.retrieve(bad.id, {}, { stripeAccount });
    assert.equal(open.status, 'requires_payment_method');
    assert.equal(open.last_payment_error.code, 'payment_intent_authentication_failure');
  });

  test('an authorization is captured in part, and another is canceled', async () => {
    const held = () =>
      stripe.paymentIntents.create({
        amount: 5000,
        currency: 'usd',
        capture_method: 'manual',
        confirm: true,
        payment_method: 'pm_card_visa',
        allowed_payment_method_types: ['card'],
      });
    const first = await held();
    assert.equal(first.status, 'requires_capture');
    assert.equal(first.amount_capturable, 5000);
    const captured = await stripe.paymentIntents.capture(first.id, { amount_to_capture: 2000 });
    assert.equal(captured.status, 'succeeded');
    assert.equal(captured.amount_received, 2000);
    const canceled = await stripe.paymentIntents.cancel((await held()).id);
    assert.equal(canceled.status, 'canceled');
  });

  test('a card is saved by a setup intent and pays when its holder is away', async () => {
    const customer = await stripe.customers.create({ email: 'ada@example.com' });
    const setup = await stripe.setupIntents.create({
      customer: customer.id,
      payment_method: 'pm_card_visa',
      confirm: true,
      usage: 'off_session',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    assert.equal(setup.status, 'succeeded');
    const saved = await stripe.customers.listPaymentMethods(customer.id);
    assert.deepEqual(saved.data.map((method) => method.id), [setup.payment_method]);
    const paid = await stripe.paymentIntents.create({
      amount: 900,
      currency: 'usd',
      customer: customer.id,
      payment_method: setup.payment_method,
      off_session: true,
      confirm: true,
    });
    assert.equal(paid.status, 'succeeded');
  });
});
