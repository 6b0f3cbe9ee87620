// Invoices.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { stripe } from './simulator.mjs';

describe('billing', () => {
  let customer;
  before(async () => {
    customer = await stripe.customers.create({ email: 'billing@example.com' });
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
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
