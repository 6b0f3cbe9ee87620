// Errors as their types, search, and expansion.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { client, control, refused, stripe, until } from './simulator.mjs';

describe('errors and reads', () => {
  test('a wrong request says what is wrong', async () => {
    const unknown = await refused(stripe.customers.create({ colour: 'red' }), 'StripeInvalidRequestError');
    assert.equal(unknown.code, 'parameter_unknown');
    assert.equal(unknown.param, 'colour');
    assert.match(unknown.requestId, /^req_/);
    const missing = await refused(stripe.paymentIntents.create({ amount: 100 }), 'StripeInvalidRequestError');
    assert.equal(missing.code, 'parameter_missing');
    assert.equal(missing.param, 'currency');
    const none = await refused(stripe.customers.retrieve('cus_none'), 'StripeInvalidRequestError');
    assert.equal(none.statusCode, 404);
    assert.equal(none.code, 'resource_missing');
  });

  test('a wrong key, a foreign account and too many requests have their own types', async () => {
    const key = await refused(client('sk_nonsense').customers.list(), 'StripeAuthenticationError');
    assert.equal(key.statusCode, 401);
    const options = { stripeAccount: 'acct_1NotOurs00000000' };
    const account = await refused(stripe.customers.list({}, options), 'StripePermissionError');
    assert.equal(account.statusCode, 403);
    assert.equal(account.code, 'account_invalid');
    await control('faults', { effect: 'error429', path: '/v1/customers' });
    const limit = await refused(stripe.customers.list(), 'StripeRateLimitError');
    assert.equal(limit.code, 'rate_limit');
    assert.equal(limit.headers['stripe-rate-limited-reason'], 'global-rate');
  });

  test('a lost answer is fetched again under the same key', async () => {
    await control('faults', { effect: 'lose_answer', method: 'POST', path: '/v1/customers' });
    const patient = client('sk_test_psapay_demo', { maxNetworkRetries: 2 });
    const email = `once-${Date.now()}@example.com`;
    const customer = await patient.customers.create({ email });
    const found = await stripe.customers.list({ email });
    assert.deepEqual(found.data.map((one) => one.id), [customer.id]);
  });

  test('a search finds what was made a moment ago, a page at a time', async () => {
    const batch = `batch-${Date.now()}`;
    const ids = [];
    for (let index = 0; index < 3; index += 1) {
      ids.push((await stripe.customers.create({ name: `Customer ${index}`, metadata: { batch } })).id);
    }
    const query = `metadata['batch']:'${batch}'`;
    const found = await until(
      () => stripe.customers.search({ query, limit: 2, expand: ['total_count'] }),
      (result) => result.total_count === 3,
    );
    assert.equal(found.has_more, true);
    const all = [];
    for await (const one of stripe.customers.search({ query, limit: 2 })) all.push(one.id);
    assert.deepEqual(all, ids.toReversed());
    const wrong = await refused(stripe.customers.search({ query: "emial:'x'" }), 'StripeInvalidRequestError');
    assert.equal(wrong.code, undefined);
  });

  test('an expansion leads where it says, and a wrong one is refused', async () => {
    const customer = await stripe.customers.create({ name: 'Ada' });
    const intent = await stripe.paymentIntents.create({
      amount: 700,
      currency: 'usd',
      customer: customer.id,
      expand: ['customer'],
    });
    assert.equal(intent.customer.name, 'Ada');
    const listed = await stripe.paymentIntents.list({ customer: customer.id, expand: ['data.customer'] });
    assert.equal(listed.data[0].customer.name, 'Ada');
    await refused(stripe.paymentIntents.retrieve(intent.id, { expand: ['nothing'] }), 'StripeInvalidRequestError');
  });

  test('a deleted customer says only that it is deleted', async () => {
    const customer = await stripe.customers.create();
    assert.equal((await stripe.customers.del(customer.id)).deleted, true);
    assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
  });
});
