//! English.

use super::{Choice, Declines, Links, Notices, Panel, Paper, Refusals, Script, Words};

pub const WORDS: Words = Words {
    language: "Language",
    title: "Invoice {number} from {seller}",
    mode: "Mode",
    test_mode: "TEST MODE",
    no_real_money: "no real money",
    processed_by_stripe: "Payments are processed by Stripe. Card details are never sent to this \
                          server.",
    notices: Notices {
        gone: "This payment link is no longer valid",
        gone_why: "It was replaced by a newer link or has run out. Nothing can be paid here.",
        gone_ask: "Look for a newer message from {seller}, or ask for a new link.",
        gone_write: "Look for a newer message from {seller}, or ask for a new link: {email}.",
        nothing: "There is no such page",
        nothing_why: "The address is incomplete or mistyped. Open the link from your invoice once \
                      more, or copy all of it.",
        busy: "Too many requests",
        busy_why: "Too many wrong addresses were tried from your network. Please open the link \
                   from your invoice again in a minute.",
        trouble: "This page could not be loaded",
        trouble_why: "Something went wrong on our side. Nothing was charged. Please load it again \
                      in a moment.",
    },
    links: Links {
        forward: "Forward to an approver",
        forward_why: "They get a link of their own by mail. The bill stays addressed to whom it \
                      is.",
        name: "Their name",
        email: "Their e-mail address",
        forward_do: "Forward",
        forwarded: "Forwarded to",
        over: "link not valid any more",
        forwarded_by: "{by} forwarded this invoice to you.",
        name_wrong: "Enter a name: letters only, at most 60.",
        email_wrong: "Enter an e-mail address, such as ann@example.com.",
        too_many: "This invoice was forwarded as often as is possible. Ask the sender to mail \
                   it to others.",
        wait: "You have forwarded it often in a short time. Please try again later.",
        try_again: "The page was renewed in between. Please send it once more.",
        fresh_why: "We can send a fresh link to the address that {seller} has on file for you.",
        fresh_send: "Send a fresh link to {address}",
        fresh_sent: "Check your e-mail",
        fresh_sent_why: "A fresh link is on its way to {address}. If it is not there in a few \
                         minutes, look into your spam folder before you ask again.",
        revoked: "This payment link was withdrawn",
        revoked_why: "{seller} has taken it back. Nothing can be seen or paid with it.",
        revoked_ask: "If you still need it, ask {seller}.",
        revoked_write: "If you still need it, write to {seller}: {email}.",
    },
    panel: Panel {
        invoice: "Invoice {number}",
        due: "Due {day}",
        see_billed: "See what is billed",
        by_card: "Pay by card",
        by_card_or_bank: "Pay by card or bank account",
        loading: "Loading the card form\u{2026}",
        pay: "Pay {amount}",
        encrypted: "Encrypted and sent straight to Stripe.",
        script_needed: "Paying by card needs JavaScript. Please allow it for this page and load it \
                        again.",
        continue_title: "Payment not completed",
        continue_why: "Your bank asked you to confirm this payment, and that was not finished. \
                       Your card was not charged. You can continue where you left off.",
        continue_pay: "Continue payment \u{b7} {amount}",
        other_card: "Pay with another card",
        in_progress: "Payment in progress",
        in_progress_why: "A payment of {amount} is being processed. Please do not pay again. This \
                          page shows the result by itself, usually within a minute.",
        paid: "Paid",
        paid_thanks: "Thank you. {seller} has received your payment, and nothing is owed on this \
                      invoice.",
        refunded: "Refunded",
        given_back_why: "{seller} has received {amount} and given back {back}. Nothing is owed on \
                         this invoice.",
        settled: "Settled",
        by_bank: "Returned by your bank",
        by_bank_why: "{seller} has received {amount}, and your bank has returned {returned} to \
                      you. Nothing is owed on this invoice.",
        given_back_and_by_bank_why: "{seller} has received {amount} and given back {back}, and \
                                     your bank has returned {returned} to you. Nothing is owed on \
                                     this invoice.",
        by_credit: "Settled by credit",
        by_credit_why: "{seller} has settled this invoice by credit. Nothing is owed on it.",
        given_back: "Given back",
        credited: "Credited",
        date: "Date",
        method: "Method",
        print: "Print for your records",
        void: "Invoice voided",
        void_why: "{seller} has withdrawn this invoice. Nothing is owed on it, and it cannot be \
                   paid.",
        unavailable: "Online payment is not available",
        unavailable_why: "{seller} cannot take card payments at the moment. Nothing was charged. \
                          Please come back later, or ask for another way to pay.",
        silent: "Temporarily unavailable",
        silent_why: "Paying by card is temporarily unavailable. Nothing was charged. Please try \
                     again in a few minutes: this page shows the form again by itself.",
        too_small: "Too small to pay by card",
        too_small_why: "{amount} is still due. That is less than a card can be charged, which is \
                        {least}. Please ask {seller} how to settle it.",
        questions_write: "Questions? Write to {email}.",
        questions_ask: "Questions? Please contact {seller}.",
    },
    choice: Choice {
        title: "What to pay",
        one_other: "You have another open invoice. Tick it to pay it together with this one.",
        others: "You have {count} other open invoices. Tick what you want to pay together with \
                 this one.",
        all: "Pay all",
        part: "Pay a part",
        amount_in: "Amount in {currency}",
        at_least: "At least {amount}.",
    },
    paper: Paper {
        lines: "What is billed",
        plus_tax: "{product}, plus {rate} tax",
        paid_so_far: "Paid so far",
        stamp_paid: "Paid",
        stamp_settled: "Settled",
        stamp_void: "Void",
        invoice_file: "Download invoice (PDF)",
        receipt_file: "Download receipt (PDF), {day}, {amount}",
        receipt_file_undated: "Download receipt (PDF), {amount}",
    },
    script: Script {
        pay: "Pay",
        pay_amount: "Pay {amount}",
        not_an_amount: "Enter an amount such as {amount}.",
        too_much: "That is more than is owed: {amount}.",
        processing: "Processing\u{2026}",
        waiting_for_bank: "Waiting for your bank\u{2026}",
        checking: "Checking\u{2026}",
        checking_why: "We are checking whether your payment went through. Do not pay again.",
        not_found: "We found no payment, so nothing was charged. You can try again.",
        not_sent: "The card form did not answer, so nothing was sent. Please try again.",
        not_confirmed: "Your bank's check was not finished, so your card was not charged. Please \
                        try again.",
        part_received: "Thank you, your payment was received. This is what is still due.",
        due_changed: "The amount due has changed. Please check it before you pay.",
        not_completed: "The payment was not completed. Please try again or use another card.",
        no_form: "The card form could not be loaded. Check your connection or your ad blocker.",
        link_gone: "This payment link is no longer valid. Load the page again to see why.",
        try_again: "Try again",
        load_again: "Load the page again",
    },
    refusals: Refusals {
        amount_too_small: "Pay at least {least}.",
        amount_too_large: "This is more than can be paid at once.",
        invoice_draft: "This invoice cannot be paid yet.",
        invoice_paid: "This invoice is already paid.",
        invoice_void: "This invoice was withdrawn.",
        payment_in_progress: "A payment of this invoice is being processed. Please wait for its \
                              result.",
        amount_changed: "The amount due has changed. Load the page again and check it.",
        part_too_small: "Pay at least {least}.",
        rest_too_small: "Pay all of {all}, or at most {most}, so that the rest can be paid later.",
        invoices_changed: "One of these invoices cannot be paid any more. Load the page again and \
                           check them.",
        link_expired: "This link is no longer valid. Ask the sender of the invoice for a new one.",
        link_revoked: "This link was withdrawn. Ask the sender of the invoice for another one.",
        payments_unavailable: "The sender of this invoice cannot take online payments at the \
                               moment.",
        confirmation_token_refused: "The card details were used before or have run out. Enter them \
                                     again; nothing was charged.",
        payment_refused: "The payment could not be started. Nothing was charged. Please ask the \
                          sender of the invoice for another way to pay.",
        page_token_required: "The payment does not come from this invoice's page. Load the page \
                              again; nothing was charged.",
        page_expired: "The page is older than half an hour. Load it again and pay then; nothing \
                       was charged.",
        too_soon: "That was faster than anybody reads an invoice. Try again in {wait}; nothing was \
                   charged.",
        challenge_required: "Payments here are being checked more closely at the moment. Load the \
                             page again and pay then; nothing was charged.",
        too_many_attempts: "Too many payments were tried that did not go through. Try again in \
                            {wait}, or ask the sender of the invoice for another way to pay. \
                            Nothing was charged.",
        rate_limited: "Too many requests. Try again in {wait}.",
        temporarily_unavailable: "Paying by card is temporarily unavailable. Nothing was charged. \
                                  Try again in a few minutes.",
    },
    declines: Declines {
        declined: "Your card was declined. Please try another card, or ask your bank.",
        declined_by_bank: "Your bank declined the payment without a reason. Please ask it, or use \
                           another card.",
        insufficient_funds: "The card does not have enough funds for this payment. Please use \
                             another card.",
        card_limit: "The card has reached its limit for now. Please use another card, or try again \
                     later.",
        expired_card: "The card has expired. Please use another card.",
        card_number: "The card number is not right. Please check it and try again.",
        expiry_date: "The expiry date is not right. Please check it and try again.",
        security_code: "The security code is not right. Please check it and try again.",
        address: "The postal code or address does not match the card. Please check it and try \
                  again.",
        not_confirmed: "Your bank could not confirm that it is you. Please try again and finish \
                        its check, or use another card.",
        bank_silent: "Your bank did not answer in time. Please try again in a moment, or use \
                      another card.",
        card_kind: "This card cannot be used for this payment. Please use another card.",
        repeated: "Your bank takes this for a repeated payment. Please wait a few minutes, or use \
                   another card.",
        test_card: "This is a test card; this page takes real payments only. Please use a real \
                    card.",
        test_cards_only: "This page takes test cards only, and no real money. Please use a test \
                          card.",
    },
};
