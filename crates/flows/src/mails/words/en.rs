//! English.

use super::{Labels, Template, Words};

pub(super) const WORDS: Words = Words {
    greeting: "Hello,",
    greeting_by_name: "Hello {name},",
    test: "This is a test. No money moves, and there is nothing to pay.",
    questions: "Questions? Write to {contact}.",
    address: "If the button does not work, open this address:",
    automatic: "You get this mail because you have a login here. Which ones you get is up to you.",
    notice: "You get this mail because {sender} has notices sent to this address. They can take it \
             off there.",
    labels: Labels {
        invoice: "Invoice",
        invoices: "Invoices",
        client: "Client",
        amount: "Amount",
        owed: "Left to pay",
        due: "Due on",
        paid_on: "Paid on",
        paid_with: "Paid with",
        reason: "Reason",
        answer_by: "Answer by",
        account: "Account",
    },
    invoice: Template {
        subject: "Invoice {number} from {sender}",
        paragraphs: &[
            "This is our invoice {number} for {total}.",
            "Please pay it by {due}.",
            "{note}",
        ],
        button: Some("Pay {amount}"),
        notes: &["The link is meant for you: whoever has it can see this invoice and pay it."],
    },
    reminder_before: Template {
        subject: "Invoice {number} is due on {due}",
        paragraphs: &[
            "This is a reminder that our invoice {number} for {total} is due on {due}.",
            "If you have paid it in the meantime, you need not do anything.",
        ],
        button: Some("Pay {amount}"),
        notes: &[],
    },
    reminder_today: Template {
        subject: "Invoice {number} is due today",
        paragraphs: &[
            "Our invoice {number} for {total} is due today.",
            "If you have paid it in the meantime, you need not do anything.",
        ],
        button: Some("Pay {amount}"),
        notes: &[],
    },
    reminder_after: Template {
        subject: "Reminder: invoice {number} was due on {due}",
        paragraphs: &[
            "Our invoice {number} was due on {due}, and {amount} of it have not reached us yet.",
            "Please pay it now, or tell us when you will. If you have paid it in the meantime, you need not \
             do \
             anything.",
        ],
        button: Some("Pay {amount}"),
        notes: &[],
    },
    receipt: Template {
        subject: "Receipt: {amount} to {sender}",
        paragraphs: &[
            "Thank you. We have received your payment of {amount}.",
            "{left} are left to pay.",
            "It was more than was owed. We keep {credit} for you as credit.",
        ],
        button: Some("See the invoice"),
        notes: &[],
    },
    refund: Template {
        subject: "Refund of {amount} from {sender}",
        paragraphs: &[
            "We have refunded {amount} to the card or account that you paid with.",
            "It usually takes five to ten business days until it shows there.",
            "{again} of our invoice {open} is owed again.",
            "You owe nothing for it on our invoice {settled}.",
        ],
        button: Some("Pay {again}"),
        notes: &[],
    },
    refund_failed: Template {
        subject: "Your refund of {amount} could not be paid out",
        paragraphs: &[
            "We refunded {amount} to you, and your bank returned it to us, for instance because the card or \
             the \
             account was closed.",
            "You have not lost it. Please tell us how we may pay it to you.",
        ],
        button: None,
        notes: &[],
    },
    payment_failed: Template {
        subject: "Your payment of {amount} did not go through",
        paragraphs: &[
            "Your payment of {amount} for invoice {number} was not carried out by your bank.",
            "Please pay again, with another card or account if need be.",
        ],
        button: Some("Pay again"),
        notes: &[],
    },
    new_link: Template {
        subject: "Your new link to invoice {number} from {sender}",
        paragraphs: &[
            "You asked for a new link to our invoice {number}. The one before does not work any more.",
        ],
        button: Some("See the invoice"),
        notes: &["If you did not ask for it, you need not do anything."],
    },
    forwarded: Template {
        subject: "Invoice {number} from {sender}, forwarded to you",
        paragraphs: &[
            "{by} has forwarded our invoice {number} for {total} to you, so that you can approve or pay it.",
        ],
        button: Some("See the invoice"),
        notes: &[
            "The link is meant for you: whoever has it can see and pay the invoice.",
            "If you do not know what this is about, you need not do anything.",
        ],
    },
    invitation: Template {
        subject: "You are invited to join {organisation}",
        paragraphs: &[
            "{by} invites you to join {organisation}.",
            "You are invited to work with {organisation}. Accept, and choose how you log in.",
        ],
        button: Some("Accept the invitation"),
        notes: &[
            "The link works once, for {days} days. If you do not know what this is about, you need not do \
             anything.",
        ],
    },
    invited_elsewhere: Template {
        subject: "You are invited to join {organisation}",
        paragraphs: &[
            "{by} invites you to join {organisation}.",
            "This address already logs in to another company here, and an address logs in to one. \
             Nothing was changed.",
            "To accept, ask {by} to invite another address of yours.",
        ],
        button: None,
        notes: &[],
    },
    another_owner: Template {
        subject: "Somebody else is to be an owner of {organisation}",
        paragraphs: &[
            "{by} lets {whom} become an owner of {organisation}.",
            "An owner may do everything: connect Stripe, make API keys, and decide who else may log in.",
        ],
        button: Some("See the users"),
        notes: &["If you did not expect it, shut the person out, and ask {by}."],
    },
    reset: Template {
        subject: "Choose another password",
        paragraphs: &["Somebody, hopefully you, asked to choose another password for your login."],
        button: Some("Choose another password"),
        notes: &[
            "The link works once, for {minutes} minutes. If it was not you, you need not do anything: your \
             password stays as it is.",
        ],
    },
    password_changed: Template {
        subject: "Your password was changed",
        paragraphs: &[
            "The password of your login was changed, and every other session was ended.",
            "If it was not you, ask your administrator at once to lock your login.",
        ],
        button: None,
        notes: &[],
    },
    second_step_changed: Template {
        subject: "The second step of your login was changed",
        paragraphs: &[
            "The second step of your login was changed.",
            "If it was not you, ask your administrator at once to lock your login.",
        ],
        button: None,
        notes: &[],
    },
    recovery_code_used: Template {
        subject: "A recovery code of yours was used",
        paragraphs: &[
            "Somebody logged in with one of your recovery codes. That code works no more; the others \
             do.",
            "If it was not you, ask your administrator at once to lock your login.",
        ],
        button: None,
        notes: &[],
    },
    address_asked: Template {
        subject: "Confirm your new address",
        paragraphs: &["You want to log in with this address from now on."],
        button: Some("Take this address"),
        notes: &["The link works once, for {minutes} minutes. \
             If it was not you, you need not do anything."],
    },
    address_change_asked: Template {
        subject: "Somebody asks for another address for your login",
        paragraphs: &[
            "Somebody, hopefully you, asked for another e-mail address for your login. It counts once \
             the link that was sent there is opened.",
            "If it was not you, change your password at once: that makes the link worthless.",
        ],
        button: None,
        notes: &[],
    },
    address_changed: Template {
        subject: "The address of your login was changed",
        paragraphs: &[
            "The e-mail address of your login was changed.",
            "If it was not you, ask your administrator at once to lock your login.",
        ],
        button: None,
        notes: &[],
    },
    staff_paid: Template {
        subject: "{client} paid {amount}",
        paragraphs: &["{client} paid {amount}."],
        button: None,
        notes: &[],
    },
    staff_payment_failed: Template {
        subject: "A payment of {client} failed: {amount}",
        paragraphs: &[
            "A payment of {amount} by {client} was under way and has failed. The invoice is open again.",
        ],
        button: None,
        notes: &[],
    },
    staff_refund_failed: Template {
        subject: "A refund to {client} failed: {amount}",
        paragraphs: &[
            "A refund of {amount} to {client} has failed. The money is on your account again; pay it to your \
             client in another way.",
        ],
        button: None,
        notes: &[],
    },
    staff_dispute: Template {
        subject: "{client} disputes a payment of {amount}",
        paragraphs: &[
            "The bank of {client} asks back {amount}.",
            "If the payment was right, give the bank your evidence by {answer_by}. Without an answer the \
             money \
             is lost.",
        ],
        button: None,
        notes: &[],
    },
    staff_requirements: Template {
        subject: "Stripe needs information about your account",
        paragraphs: &[
            "Stripe needs information about your account {account}.",
            "Give it by {answer_by}: afterwards Stripe may stop payments or payouts.",
            "{restricted}Stripe has restricted payments or payouts until it has it.",
        ],
        button: None,
        notes: &[],
    },
    staff_payout_failed: Template {
        subject: "A payout of {amount} failed",
        paragraphs: &[
            "Your bank did not take a payout of {amount}. The money is on your Stripe balance again.",
            "Check the bank account in Stripe's dashboard: Stripe pays nothing out before it is right.",
        ],
        button: None,
        notes: &[],
    },
};
