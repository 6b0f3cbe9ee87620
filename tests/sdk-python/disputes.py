"""Disputes: opened by the payer's bank, answered, won, lost, given up; what they book, and what they tell."""
import unittest

import stripe

from simulator import advance, client, connected_account

# A bank of a test card opens its dispute and decides on evidence within this time.
BANK_MS = 6_000
# What a payment of 123.45 loses to a chargeback: the amount, and Stripe's fee of 15.00.
TAKEN = -13845


class Disputes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = client().v1
        cls.on = {"stripe_account": connected_account()}

    def disputed(self, card):
        """The dispute of a payment by a card whose bank disputes it."""
        payment = {
            "amount": 12345,
            "currency": "usd",
            "confirm": True,
            "payment_method": card,
            "allowed_payment_method_types": ["card"],
        }
        intent = self.api.payment_intents.create(payment, self.on)
        advance(BANK_MS)
        (dispute,) = self.api.disputes.list({"payment_intent": intent.id}, self.on).data
        return dispute

    def decided(self, dispute, text):
        """The dispute after the bank has decided on what it was sent."""
        sent = self.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}}, self.on)
        self.assertEqual(sent.evidence_details.has_evidence, True)
        advance(BANK_MS)
        return self.api.disputes.retrieve(dispute.id, None, self.on)

    def told(self, dispute):
        """The events of a dispute, in order."""
        events = self.api.events.list({"type": "charge.dispute.*", "limit": 100}, self.on).auto_paging_iter()
        types = [event.type for event in events if event.data.object.id == dispute.id]
        return [kind.removeprefix("charge.dispute.") for kind in reversed(types)]

    def test_a_chargeback_takes_the_amount_and_a_fee(self):
        dispute = self.disputed("pm_card_createDispute")
        self.assertEqual((dispute.status, dispute.reason), ("needs_response", "fraudulent"))
        self.assertFalse(dispute.is_charge_refundable)
        booked = self.api.balance_transactions.list({"source": dispute.id}, self.on).data
        self.assertEqual([one.id for one in booked], [one.id for one in dispute.balance_transactions])
        taken = booked[0]
        self.assertEqual((taken.type, taken.reporting_category), ("adjustment", "dispute"))
        self.assertEqual((taken.amount, taken.fee, taken.net), (-12345, 1500, TAKEN))
        self.assertTrue(self.api.charges.retrieve(dispute.charge, None, self.on).disputed)
        with self.assertRaises(stripe.InvalidRequestError) as refused:
            self.api.refunds.create({"charge": dispute.charge}, self.on)
        self.assertEqual(refused.exception.code, "charge_disputed")
        self.assertEqual(self.told(dispute), ["created", "funds_withdrawn"])

    def test_evidence_is_kept_until_it_is_submitted_and_wins(self):
        dispute = self.disputed("pm_card_createDispute")
        evidence = {"uncategorized_text": "winning_evidence", "customer_name": "Ada"}
        draft = {"evidence": evidence, "submit": False}
        staged = self.api.disputes.update(dispute.id, draft, self.on)
        self.assertEqual((staged.status, staged.evidence.customer_name), ("needs_response", "Ada"))
        self.assertEqual(staged.evidence_details.submission_count, 0)
        sent = self.api.disputes.update(dispute.id, {"submit": True}, self.on)
        self.assertEqual((sent.status, sent.evidence_details.submission_count), ("under_review", 1))
        advance(BANK_MS)
        won = self.api.disputes.retrieve(dispute.id, None, self.on)
        self.assertEqual(won.status, "won")
        self.assertEqual([one.net for one in won.balance_transactions], [TAKEN, -TAKEN])
        told = ["created", "funds_withdrawn", "updated", "updated", "funds_reinstated", "closed"]
        self.assertEqual(self.told(dispute), told)

    def test_a_lost_dispute_takes_no_more_evidence(self):
        dispute = self.disputed("pm_card_createDisputeProductNotReceived")
        self.assertEqual(dispute.reason, "product_not_received")
        lost = self.decided(dispute, "losing_evidence")
        self.assertEqual((lost.status, len(lost.balance_transactions)), ("lost", 1))
        with self.assertRaises(stripe.InvalidRequestError):
            self.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "late"}}, self.on)
        with self.assertRaises(stripe.InvalidRequestError):
            self.api.disputes.close(dispute.id, None, self.on)
        self.assertEqual(self.told(dispute), ["created", "funds_withdrawn", "updated", "closed"])

    def test_an_inquiry_closes_or_becomes_a_chargeback(self):
        inquiry = self.disputed("pm_card_createDisputeInquiry")
        self.assertEqual((inquiry.status, inquiry.balance_transactions), ("warning_needs_response", []))
        self.assertTrue(inquiry.is_charge_refundable)
        self.assertEqual(self.decided(inquiry, "losing_evidence").status, "warning_closed")
        self.assertEqual(self.told(inquiry), ["created", "updated", "closed"])
        self.assertEqual(self.api.refunds.create({"charge": inquiry.charge}, self.on).status, "succeeded")
        second = self.disputed("pm_card_createDisputeInquiry")
        escalated = self.decided(second, "escalate_inquiry_evidence")
        self.assertEqual((escalated.status, escalated.is_charge_refundable), ("needs_response", False))
        self.assertEqual(escalated.balance_transactions[0].net, TAKEN)

    def test_giving_up_loses_a_chargeback_and_closes_an_inquiry(self):
        ends = {"pm_card_createDispute": "lost", "pm_card_createDisputeInquiry": "warning_closed"}
        for card, end in ends.items():
            closed = self.api.disputes.close(self.disputed(card).id, None, self.on)
            self.assertEqual(closed.status, end)
