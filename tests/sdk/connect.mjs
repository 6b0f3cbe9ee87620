// Connected accounts: made, onboarded, paid through the platform, connected by OAuth and let go.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { base, connectedAccount, control, refused, stripe } from './simulator.mjs';

describe('connect', () => {
  test('the account is there and can take cards', async () => {
    const id = await connectedAccount();
    const account = await stripe.accounts.retrieve(id);
    assert.equal(account.id, id);
    assert.equal(account.charges_enabled, true);
    assert.equal(account.country, 'DE');
    assert.equal(account.capabilities.card_payments, 'active');
  });

  test('an account is created, asked for capabilities and led to onboarding', async () => {
    const account = await stripe.accounts.create({
      type: 'express',
      country: 'US',
      email: 'new@example.com',
      capabilities: { card_payments: { requested: true }, transfers: { requested: true } },
    });
    assert.match(account.id, /^acct_/);
    assert.equal(account.charges_enabled, false);
    const capability = await stripe.accounts.retrieveCapability(account.id, 'card_payments');
    assert.equal(capability.requested, true);
    assert.equal(capability.account, account.id);
    const link = await stripe.accountLinks.create({
      account: account.id,
      type: 'account_onboarding',
      refresh_url: 'https://pay.example/again',
      return_url: 'https://pay.example/back',
    });
    assert.equal(link.object, 'account_link');
    assert.match(link.url, /^https?:/);
  });

  test('a destination charge moves money on and leaves the fee', async () => {
    const destination = await connectedAccount();
    const intent = await stripe.paymentIntents.create({
      amount: 10000,
      currency: 'usd',
      confirm: true,
      payment_method: 'pm_card_visa',
      allowed_payment_method_types: ['card'],
      application_fee_amount: 1000,
      transfer_data: { destination },
      expand: ['latest_charge.transfer'],
    });
    assert.equal(intent.latest_charge.transfer.destination, destination);
    assert.equal(intent.latest_charge.transfer.amount, 10000);
  });

  test('an account connects by OAuth and is let go', async () => {
    const state = await (await fetch(new URL('/_simulator/state', base))).json();
    const made = await control('oauth/authorize', { new: { email: 'owner@example.com' } });
    const granted = await stripe.oauth.token({ grant_type: 'authorization_code', code: made.code });
    assert.match(granted.stripe_user_id, /^acct_/);
    assert.equal(granted.livemode, false);
    const account = await stripe.accounts.retrieve(granted.stripe_user_id);
    assert.equal(account.id, granted.stripe_user_id);
    await refused(stripe.oauth.token({ grant_type: 'authorization_code', code: made.code }), 'StripeInvalidGrantError');
    const gone = await stripe.oauth.deauthorize({
      client_id: state.application,
      stripe_user_id: granted.stripe_user_id,
    });
    assert.equal(gone.stripe_user_id, granted.stripe_user_id);
    await refused(stripe.accounts.retrieve(granted.stripe_user_id), 'StripePermissionError');
  });
});
