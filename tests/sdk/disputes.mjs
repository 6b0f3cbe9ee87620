// Disputes: opened by the payer's bank, answered, won, lost, given up; what they book, and what they tell.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { advance, connectedAccount, refused, stripe } from './simulator.mjs';

// A bank of a test card opens its dispute and decides on evidence within this time.
const BANK_MS = 6_000;

describe('disputes', () => {
  let on;
  before(async () => {
    on = { stripeAccount: await connectedAccount() };
  });

  // A payment by a card whose bank disputes it, and the dispute.
  async function disputed(card) {
    const payment = {
      amount: 12345,
      currency: 'usd',
      confirm: true,
      payment_method: card,
      application_fee_amount: 370,
      allowed_payment_method_types: ['card'],
    };
    const intent = await stripe.paymentIntents.create(payment, on);
    await advance(BANK_MS);
    const listed = await stripe.disputes.list({ payment_intent: intent.id }, on);
    assert.equal(listed.data.length, 1);
    return { intent, dispute: listed.data[0] };
  }

  const evidence = (text) => ({ evidence: { uncategorized_text: text, customer_name: 'Ada Example' } });

  // The dispute after the bank has decided on what it was sent.
  async function decided(dispute, text) {
    await stripe.disputes.update(dispute.id, evidence(text), on);
    await advance(BANK_MS);
    return stripe.disputes.retrieve(dispute.id, {}, on);
  }

  // The events of a dispute, in order.
  async function told(dispute) {
    const types = [];
    for await (const event of stripe.events.list({ type: 'charge.dispute.*', limit: 100 }, on)) {
      if (event.data.object.id === dispute.id) types.unshift(event.type.replace('charge.dispute.', ''));
    }
    return types;
  }

  test('a chargeback takes the amount and a fee, and the payment can no longer be refunded', async () => {
    const { intent, dispute } = await disputed('pm_card_createDispute');
    assert.match(dispute.id, /^dp_/);
    assert.equal(dispute.status, 'needs_response');
    assert.equal(dispute.reason, 'fraudulent');
    assert.equal(dispute.charge, intent.latest_charge);
    assert.equal(dispute.amount, 12345);
    assert.equal(dispute.is_charge_refundable, false);
    assert.equal(dispute.evidence_details.has_evidence, false);
    assert.ok(dispute.evidence_details.due_by > dispute.created);

    assert.equal(dispute.balance_transactions.length, 1);
    const taken = await stripe.balanceTransactions.retrieve(dispute.balance_transactions[0].id, {}, on);
    assert.equal(taken.type, 'adjustment');
    assert.equal(taken.reporting_category, 'dispute');
    assert.equal(taken.source, dispute.id);
    assert.deepEqual([taken.amount, taken.fee, taken.net], [-12345, 1500, -13845]);
    const booked = await stripe.balanceTransactions.list({ source: dispute.id }, on);
    assert.deepEqual(booked.data.map((one) => one.id), [taken.id]);

    const charge = await stripe.charges.retrieve(intent.latest_charge, { expand: ['application_fee'] }, on);
    assert.equal(charge.disputed, true);
    assert.equal(charge.refunded, false);
    assert.equal(charge.application_fee.amount_refunded, 0);
    const refund = stripe.refunds.create({ charge: charge.id }, on);
    const error = await refused(refund, 'StripeInvalidRequestError');
    assert.equal(error.code, 'charge_disputed');
    assert.deepEqual(await told(dispute), ['created', 'funds_withdrawn']);
  });

  test('evidence is kept until it is submitted, and the bank gives the money back', async () => {
    const { dispute } = await disputed('pm_card_createDispute');
    const draft = { ...evidence('winning_evidence'), submit: false, metadata: { invoice: '1' } };
    const staged = await stripe.disputes.update(dispute.id, draft, on);
    assert.equal(staged.status, 'needs_response');
    assert.equal(staged.evidence.customer_name, 'Ada Example');
    assert.equal(staged.evidence_details.has_evidence, true);
    assert.equal(staged.evidence_details.submission_count, 0);
    await advance(BANK_MS);
    assert.equal((await stripe.disputes.retrieve(dispute.id, {}, on)).status, 'needs_response');

    const sent = await stripe.disputes.update(dispute.id, { submit: true }, on);
    assert.equal(sent.status, 'under_review');
    assert.equal(sent.evidence_details.submission_count, 1);
    await advance(BANK_MS);
    const won = await stripe.disputes.retrieve(dispute.id, { expand: ['charge'] }, on);
    assert.equal(won.status, 'won');
    assert.equal(won.metadata.invoice, '1');
    assert.equal(won.charge.disputed, true);
    const nets = won.balance_transactions.map((one) => one.net);
    assert.deepEqual(nets, [-13845, 13845]);
    assert.equal(won.balance_transactions[1].reporting_category, 'dispute_reversal');
    assert.deepEqual(await told(dispute), [
      'created',
      'funds_withdrawn',
      'updated',
      'updated',
      'funds_reinstated',
      'closed',
    ]);
    assert.equal((await stripe.refunds.create({ charge: won.charge.id }, on)).status, 'succeeded');
  });

  test('a lost dispute is closed and takes no more evidence', async () => {
    const { dispute } = await disputed('pm_card_createDisputeProductNotReceived');
    assert.equal(dispute.reason, 'product_not_received');
    const lost = await decided(dispute, 'losing_evidence');
    assert.equal(lost.status, 'lost');
    assert.equal(lost.balance_transactions.length, 1);
    await refused(stripe.disputes.update(dispute.id, evidence('late'), on), 'StripeInvalidRequestError');
    await refused(stripe.disputes.close(dispute.id, {}, on), 'StripeInvalidRequestError');
    assert.deepEqual(await told(dispute), ['created', 'funds_withdrawn', 'updated', 'closed']);
  });

  test('an inquiry takes nothing, and an answer closes it or the bank goes on', async () => {
    const { intent, dispute } = await disputed('pm_card_createDisputeInquiry');
    assert.equal(dispute.status, 'warning_needs_response');
    assert.equal(dispute.payment_method_details.card.case_type, 'inquiry');
    assert.equal(dispute.is_charge_refundable, true);
    assert.deepEqual(dispute.balance_transactions, []);
    assert.equal((await decided(dispute, 'losing_evidence')).status, 'warning_closed');
    assert.deepEqual(await told(dispute), ['created', 'updated', 'closed']);
    assert.equal((await stripe.refunds.create({ payment_intent: intent.id }, on)).status, 'succeeded');

    const second = await disputed('pm_card_createDisputeInquiry');
    const escalated = await decided(second.dispute, 'escalate_inquiry_evidence');
    assert.equal(escalated.status, 'needs_response');
    assert.equal(escalated.is_charge_refundable, false);
    assert.equal(escalated.balance_transactions[0].net, -13845);
    assert.equal((await decided(second.dispute, 'winning_evidence')).status, 'won');
  });

  test('giving up loses a chargeback, and only closes an inquiry', async () => {
    const { dispute } = await disputed('pm_card_createDispute');
    assert.equal((await stripe.disputes.close(dispute.id, {}, on)).status, 'lost');
    const inquiry = await disputed('pm_card_createDisputeInquiry');
    assert.equal((await stripe.disputes.close(inquiry.dispute.id, {}, on)).status, 'warning_closed');
  });

  test('disputes are listed by charge, a page at a time, and belong to their account', async () => {
    const { intent, dispute } = await disputed('pm_card_createDispute');
    const byCharge = await stripe.disputes.list({ charge: intent.latest_charge }, on);
    assert.deepEqual(byCharge.data.map((one) => one.id), [dispute.id]);
    const all = [];
    for await (const one of stripe.disputes.list({ limit: 2 }, on)) all.push(one.created);
    assert.ok(all.length > 3);
    assert.deepEqual(all, all.toSorted((one, other) => other - one));
    const foreign = await refused(stripe.disputes.retrieve(dispute.id), 'StripeInvalidRequestError');
    assert.equal(foreign.code, 'resource_missing');
    const unknown = stripe.disputes.update(dispute.id, { evidence: { excuse: 'none' } }, on);
    assert.equal((await refused(unknown, 'StripeInvalidRequestError')).code, 'parameter_unknown');
  });
});
