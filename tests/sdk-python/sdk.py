"""Stripe's official SDK for Python, its addresses overridden, against the simulator.

    python sdk.py http://127.0.0.1:12111

Exits with 1 when a test failed.
"""
import time
import unittest

import stripe

from disputes import Disputes
from simulator import Inbox, advance, client, connected_account, control, until

# What the runner finds here beside the classes below.
__all__ = ["Disputes"]

PAYMENT = {
    "amount": 12345,
    "currency": "eur",
    "application_fee_amount": 370,
    "allowed_payment_method_types": ["card"],
}
CHARGED = {
    "amount": 2000,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "allowed_payment_method_types": ["card"],
}


class Payments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = client().v1
        cls.on = {"stripe_account": connected_account()}

    def test_a_payment_is_confirmed_retrieved_and_listed(self):
        created = self.api.payment_intents.create(PAYMENT, self.on)
        self.assertEqual(created.status, "requires_payment_method")
        paid = self.api.payment_intents.confirm(created.id, {"payment_method": "pm_card_visa"}, self.on)
        self.assertEqual((paid.status, paid.amount_received), ("succeeded", 12345))
        shown = self.api.payment_intents.retrieve(created.id, {"expand": ["latest_charge"]}, self.on)
        self.assertEqual(shown.latest_charge.payment_method_details.card.last4, "4242")
        self.assertEqual(self.api.payment_intents.list({"limit": 1}, self.on).data[0].id, created.id)
        with self.assertRaises(stripe.InvalidRequestError) as refused:
            self.api.payment_intents.retrieve(created.id)
        self.assertEqual((refused.exception.http_status, refused.exception.code), (404, "resource_missing"))

    def test_a_list_is_paged_through(self):
        made = [self.api.payment_intents.create(PAYMENT, self.on).id for _ in range(5)]
        listed = self.api.payment_intents.list({"limit": 2}, self.on)
        found = [intent.id for intent in listed.auto_paging_iter()]
        self.assertEqual(found[:5], made[::-1])

    def test_a_key_gives_the_same_answer_and_refuses_another_request(self):
        keyed = {**self.on, "idempotency_key": "python:invoice_1:create"}
        first = self.api.payment_intents.create(PAYMENT, keyed)
        again = self.api.payment_intents.create(PAYMENT, keyed)
        self.assertEqual(first.id, again.id)
        self.assertEqual(again.last_response.headers["Idempotent-Replayed"], "true")
        with self.assertRaises(stripe.IdempotencyError):
            self.api.payment_intents.create({**PAYMENT, "amount": 999}, keyed)

    def test_a_decline_is_a_card_error(self):
        intent = self.api.payment_intents.create(PAYMENT, self.on)
        with self.assertRaises(stripe.CardError) as refused:
            self.api.payment_intents.confirm(
                intent.id, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"}, self.on
            )
        error = refused.exception
        self.assertEqual((error.http_status, error.code), (402, "card_declined"))
        self.assertEqual(error.error.decline_code, "insufficient_funds")
        self.assertEqual(error.error.payment_intent.id, intent.id)

    def test_a_holder_authenticates(self):
        intent = self.api.payment_intents.create(
            {
                **PAYMENT,
                "confirm": True,
                "payment_method": "pm_card_threeDSecure2Required",
                "return_url": "https://pay.example/back",
            },
            self.on,
        )
        self.assertEqual(intent.status, "requires_action")
        control(f"payment_intents/{intent.id}/challenge", {"outcome": "complete"})
        self.assertEqual(self.api.payment_intents.retrieve(intent.id, None, self.on).status, "succeeded")

    def test_an_authorization_is_captured_in_part(self):
        held = self.api.payment_intents.create({**CHARGED, "capture_method": "manual"})
        self.assertEqual((held.status, held.amount_capturable), ("requires_capture", 2000))
        captured = self.api.payment_intents.capture(held.id, {"amount_to_capture": 500})
        self.assertEqual((captured.status, captured.amount_received), ("succeeded", 500))


class Money(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = client().v1

    def test_a_payment_is_refunded_and_no_further(self):
        intent = self.api.payment_intents.create(CHARGED)
        part = self.api.refunds.create({"payment_intent": intent.id, "amount": 500})
        self.assertEqual(part.status, "succeeded")
        with self.assertRaises(stripe.InvalidRequestError):
            self.api.refunds.create({"payment_intent": intent.id, "amount": 1501})
        self.api.refunds.create({"payment_intent": intent.id})
        charge = self.api.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
        self.assertTrue(charge.refunded)
        self.assertEqual([refund.amount for refund in charge.refunds.data], [1500, 500])

    def test_a_balance_is_what_its_transactions_come_to(self):
        self.api.payment_intents.create(CHARGED)
        advance(5_000)
        listed = self.api.balance_transactions.list({"limit": 100, "currency": "usd"})
        net = sum(transaction.net for transaction in listed.auto_paging_iter())
        balance = self.api.balance.retrieve()
        held = [one.amount for one in balance.available + balance.pending if one.currency == "usd"]
        self.assertEqual(sum(held), net)


class Connect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client()
        cls.api = cls.client.v1

    def test_an_account_is_created_and_led_to_onboarding(self):
        account = self.api.accounts.create(
            {"type": "express", "country": "US", "capabilities": {"transfers": {"requested": True}}}
        )
        self.assertFalse(account.charges_enabled)
        capability = self.api.accounts.capabilities.retrieve(account.id, "transfers")
        self.assertTrue(capability.requested)
        link = self.api.account_links.create(
            {
                "account": account.id,
                "type": "account_onboarding",
                "refresh_url": "https://pay.example/again",
                "return_url": "https://pay.example/back",
            }
        )
        self.assertEqual(link.object, "account_link")


    def test_an_account_connects_by_oauth_and_is_let_go(self):
        made = control("oauth/authorize", {"new": {"email": "owner@example.com"}})
        granted = self.client.oauth.token({"grant_type": "authorization_code", "code": made["code"]})
        self.assertEqual(granted.stripe_user_id, made["account"])
        self.assertEqual(self.api.accounts.retrieve(made["account"]).id, made["account"])
        with self.assertRaises(stripe.oauth_error.InvalidGrantError):
            self.client.oauth.token({"grant_type": "authorization_code", "code": made["code"]})
        application = control("state")["application"]
        self.client.oauth.deauthorize({"client_id": application, "stripe_user_id": made["account"]})
        with self.assertRaises(stripe.PermissionError):
            self.api.accounts.retrieve(made["account"])


class Billing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = client().v1
        cls.customer = cls.api.customers.create({"email": "billing@example.com"}).id
        card = cls.api.payment_methods.attach("pm_card_visa", {"customer": cls.customer})
        cls.api.customers.update(cls.customer, {"invoice_settings": {"default_payment_method": card.id}})
        product = cls.api.products.create({"name": "Managed workplace"}).id
        prices = [
            cls.api.prices.create(
                {"product": product, "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"}}
            )
            for amount in (1000, 3000)
        ]
        cls.small, cls.large = (price.id for price in prices)

    def test_a_subscription_begins_changes_and_ends(self):
        wanted = {"customer": self.customer, "items": [{"price": self.small}], "expand": ["latest_invoice"]}
        subscription = self.api.subscriptions.create(wanted)
        self.assertEqual((subscription.status, subscription.latest_invoice.status), ("active", "paid"))
        # `items` alone is a method of every object of the SDK.
        item = subscription["items"].data[0].id
        changed = self.api.subscriptions.update(
            subscription.id, {"items": [{"id": item, "price": self.large}], "proration_behavior": "always_invoice"}
        )
        self.assertEqual(changed["items"].data[0].price.id, self.large)
        self.assertEqual(self.api.subscriptions.cancel(subscription.id).status, "canceled")

    def test_an_invoice_is_drafted_finalized_and_paid(self):
        invoice = self.api.invoices.create({"customer": self.customer, "auto_advance": False}).id
        line = {"customer": self.customer, "invoice": invoice, "amount": 4200, "currency": "usd"}
        self.api.invoice_items.create(line)
        opened = self.api.invoices.finalize_invoice(invoice)
        self.assertEqual((opened.status, opened.amount_due), ("open", 4200))
        self.assertEqual(self.api.invoices.pay(invoice).status, "paid")


class ErrorsAndReads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = client().v1

    def test_errors_have_their_types(self):
        with self.assertRaises(stripe.InvalidRequestError) as refused:
            self.api.customers.create({"colour": "red"})
        self.assertEqual((refused.exception.code, refused.exception.param), ("parameter_unknown", "colour"))
        self.assertRegex(refused.exception.request_id, "^req_")
        with self.assertRaises(stripe.AuthenticationError):
            client("sk_nonsense").v1.customers.list()
        with self.assertRaises(stripe.PermissionError):
            self.api.customers.list(None, {"stripe_account": "acct_1NotOurs00000000"})
        control("faults", {"effect": "error429", "path": "/v1/products"})
        with self.assertRaises(stripe.RateLimitError):
            self.api.products.list()

    def test_a_lost_answer_is_fetched_again(self):
        control("faults", {"effect": "lose_answer", "method": "POST", "path": "/v1/customers"})
        email = f"python-{time.time_ns()}@example.com"
        customer = client(retries=2).v1.customers.create({"email": email})
        self.assertEqual([one.id for one in self.api.customers.list({"email": email}).data], [customer.id])

    def test_a_search_turns_pages(self):
        batch = f"python-{time.time_ns()}"
        made = [self.api.customers.create({"metadata": {"batch": batch}}).id for _ in range(3)]
        wanted = {"query": f"metadata['batch']:'{batch}'", "limit": 2, "expand": ["total_count"]}
        found = until(lambda: self.api.customers.search(wanted), lambda result: result.total_count == 3)
        self.assertEqual([one.id for one in found.auto_paging_iter()], made[::-1])


class Webhooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client()
        cls.api = cls.client.v1

    def test_a_delivery_is_verified_as_it_was_sent(self):
        inbox = Inbox()
        endpoint = self.api.webhook_endpoints.create({"url": inbox.url, "enabled_events": ["customer.created"]})
        customer = self.api.customers.create({"name": "Whole"})
        body, signature = inbox.next(lambda event: event["data"]["object"]["id"] == customer.id)
        event = self.client.construct_event(body, signature, endpoint.secret)
        self.assertEqual((event.type, event.data.object.name), ("customer.created", "Whole"))
        with self.assertRaises(stripe.SignatureVerificationError):
            self.client.construct_event(body.replace(b"Whole", b"Other"), signature, endpoint.secret)
        self.api.webhook_endpoints.delete(endpoint.id)
        inbox.close()

    def test_a_thin_event_is_verified(self):
        inbox = Inbox()
        secret = "whsec_psapay_thin_test"
        wanted = {"url": inbox.url, "secret": secret, "livemode": False, "connect": False, "kind": "thin"}
        control("endpoints", wanted)
        customer = self.api.customers.create({"name": "Thin"})
        about = lambda event: (event.get("related_object") or {}).get("id")
        body, signature = inbox.next(lambda event: about(event) == customer.id)
        note = self.client.parse_event_notification(body, signature, secret)
        self.assertEqual(note.type, "v1.customer.created")
        self.assertEqual(note.related_object.id, customer.id)
        inbox.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
