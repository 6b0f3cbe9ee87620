// Refunds and the balance.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance, refused, stripe } from './simulator.mjs';

const paid = (card = 'pm_card_visa') =>
  stripe.paymentIntents.create({
    amount: 2000,
    currency: 'usd',
    confirm: true,
    payment_method: card,
    allowed_payment_method_types: ['card'],
    expand: ['latest_charge'],
  });

describe('money', () => {
  test('a payment is refunded in two parts and no further', async () => {
    const intent = await paid();
    const part = await stripe.refunds.create({ payment_intent: intent.id, amount: 500, reason: 'duplicate' });
    assert.equal(part.status, 'succeeded');
    assert.equal(part.charge, intent.latest_charge.id);
    const error = await refused(
      stripe.refunds.create({ payment_intent: intent.id, amount: 1501 }),
      'StripeInvalidRequestError',
    );
    assert.equal(error.statusCode, 400);
    await stripe.refunds.create({ charge: intent.latest_charge.id });
    const charge = await stripe.charges.retrieve(intent.latest_charge.id, { expand: ['refunds'] });
    assert.equal(charge.refunded, true);
    assert.equal(charge.amount_refunded, 2000);
    assert.equal(charge.refunds.data.length, 2);
    const again = await refused(stripe.refunds.create({ charge: charge.id }), 'StripeInvalidRequestError');
    assert.equal(again.code, 'charge_already_refunded');
    const listed = await stripe.refunds.list({ payment_intent: intent.id });
    assert.deepEqual(listed.data.map((refund) => refund.amount), [1500, 500]);
  });

  test('a balance is what its transactions come to', async () => {
    await paid();
    await advance(5_000);
    let net = 0;
    for await (const transaction of stripe.balanceTransactions.list({ limit: 100, currency: 'usd' })) {
      assert.equal(transaction.net, transaction.amount - transaction.fee);
      net += transaction.net;
    }
    const balance = await stripe.balance.retrieve();
    const held = [...balance.available, ...balance.pending].filter((one) => one.currency === 'usd');
    assert.equal(held.reduce((sum, one) => sum + one.amount, 0), net);
  });
});
