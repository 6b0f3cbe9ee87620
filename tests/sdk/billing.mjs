// Products, prices and subscriptions.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { stripe } from './simulator.mjs';

describe('billing', () => {
  let customer;
  let small;
  let large;
  before(async () => {
    customer = await stripe.customers.create({ email: 'billing@example.com' });
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
    const product = await stripe.products.create({ name: 'Managed workplace' });
    const price = (unit_amount) =>
      stripe.prices.create({ product: product.id, currency: 'usd', unit_amount, recurring: { interval: 'month' } });
    small = await price(1000);
    large = await price(3000);
  });

  test('a subscription begins with a paid invoice', async () => {
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: small.id, quantity: 3 }],
      expand: ['latest_invoice.payments'],
    });
    assert.equal(subscription.status, 'active');
    assert.equal(subscription.latest_invoice.status, 'paid');
    assert.equal(subscription.latest_invoice.amount_paid, 3000);
    assert.equal(subscription.items.data[0].price.id, small.id);
  });

  test('a subscription is changed with proration, and ends', async () => {
    const subscription = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: small.id }] });
    const item = subscription.items.data[0].id;
    const changed = await stripe.subscriptions.update(subscription.id, {
      items: [{ id: item, price: large.id }],
      proration_behavior: 'create_prorations',
    });
    assert.equal(changed.items.data[0].price.id, large.id);
    const later = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    assert.equal(later.cancel_at_period_end, true);
    const over = await stripe.subscriptions.cancel(subscription.id);
    assert.equal(over.status, 'canceled');
  });

  test('an invoice is drafted, finalized and paid', async () => {
    const invoice = await stripe.invoices.create({ customer: customer.id, auto_advance: false });
    await stripe.invoiceItems.create({
      customer: customer.id,
      invoice: invoice.id,
      amount: 4200,
      currency: 'usd',
      description: 'Setup',
    });
    const open = await stripe.invoices.finalizeInvoice(invoice.id);
    assert.equal(open.status, 'open');
    assert.equal(open.amount_due, 4200);
    const paid = await stripe.invoices.pay(invoice.id);
    assert.equal(paid.status, 'paid');
    assert.equal((await stripe.invoices.listLineItems(invoice.id)).data[0].amount, 4200);
  });
});
