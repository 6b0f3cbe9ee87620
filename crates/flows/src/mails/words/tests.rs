//! Every language says the same: the same mails, with places for the same values.

use std::collections::BTreeSet;

use domain::{Currency, InvoiceId, Language, Money};

use super::clients::{Means, OfRefund, Reader};
use super::*;

impl Words {
    fn templates(&self) -> Vec<&Template> {
        vec![
            &self.invoice,
            &self.reminder_before,
            &self.reminder_today,
            &self.reminder_after,
            &self.receipt,
            &self.refund,
            &self.refund_failed,
            &self.payment_failed,
            &self.new_link,
            &self.forwarded,
            &self.invitation,
            &self.invited_elsewhere,
            &self.another_owner,
            &self.reset,
            &self.password_changed,
            &self.second_step_changed,
            &self.recovery_code_used,
            &self.address_asked,
            &self.address_change_asked,
            &self.address_changed,
            &self.staff_paid,
            &self.staff_payment_failed,
            &self.staff_refund_failed,
            &self.staff_dispute,
            &self.staff_requirements,
            &self.staff_payout_failed,
        ]
    }
}

pub(super) fn places(texts: &[&str]) -> Vec<BTreeSet<String>> {
    let of = |text: &&str| {
        let parts = text.split('{').skip(1);
        parts
            .map(|part| part.split_once('}').unwrap().0.to_owned())
            .collect()
    };
    texts.iter().map(of).collect()
}

#[test]
fn every_language_says_the_same_sentences_with_the_same_values() {
    let english = of(Language::En).templates();
    for language in Language::ALL {
        let words = of(language);
        for (template, english) in words.templates().into_iter().zip(&english) {
            let what = format!("{language:?}: {}", template.subject);
            // An amount may stand in the subject of one language and not of another, but a sentence that is
            // left out in one is left out in all.
            assert_eq!(places(&[template.subject]), places(&[english.subject]), "{what}");
            assert_eq!(places(template.paragraphs), places(english.paragraphs), "{what}");
            assert_eq!(places(template.notes), places(english.notes), "{what}");
            assert_eq!(template.button.is_some(), english.button.is_some(), "{what}");
            assert!(
                !template.subject.is_empty() && template.subject.len() < 80,
                "{what}"
            );
        }
        assert_eq!(places(&[words.questions]), places(&["{contact}"]));
        assert_eq!(places(&[words.greeting_by_name]), places(&["{name}"]));
    }
}

#[test]
fn a_sentence_without_its_value_is_left_out() {
    let values = |due: Option<&str>| {
        [
            ("number", Some("INV-00001".to_owned())),
            ("sender", Some("Nova IT".to_owned())),
            ("total", Some("$5.00".to_owned())),
            ("amount", Some("$5.00".to_owned())),
            ("due", due.map(str::to_owned)),
        ]
    };
    let invoice = &of(Language::En).invoice;
    let dated = letter(
        Language::En,
        invoice,
        Some("Ann"),
        &values(Some("1 March 2026")),
        None,
    );
    assert_eq!(dated.greeting, "Hello Ann,");
    assert_eq!(dated.subject, "Invoice INV-00001 from Nova IT");
    assert_eq!(
        dated.paragraphs,
        [
            "This is our invoice INV-00001 for $5.00.",
            "Please pay it by 1 March 2026."
        ]
    );
    assert_eq!(dated.button, None, "there is nowhere to go");
    let undated = letter(Language::En, invoice, None, &values(None), None);
    assert_eq!(undated.greeting, "Hello,");
    assert_eq!(undated.paragraphs.len(), 1);
}

#[test]
fn a_value_that_looks_like_a_place_stays_as_it_is() {
    let values = [("a", Some("{b}".to_owned())), ("b", Some("x".to_owned()))];
    assert_eq!(fill("{a} and {b}", &values).unwrap(), "{b} and x");
    assert_eq!(fill("{c}", &values), None);
}

#[test]
fn logins_are_written_about_in_every_language() {
    for language in Language::ALL {
        let invitation = Invitation {
            name: Some("Ann"),
            organisation: "Nova IT",
            by: Some("Bo"),
            path: "/invitations/secret",
            days: 3,
        };
        let letter = super::invitation(language, &invitation);
        assert!(
            letter.is_secret() && letter.subject.contains("Nova IT"),
            "{letter:?}"
        );
        assert!(letter.paragraphs[0].contains("Bo"), "{letter:?}");
        let reset = Reset {
            name: None,
            path: "/reset/secret",
            minutes: 30,
        };
        let letter = super::reset(language, &reset);
        assert!(letter.is_secret() && letter.notes[0].contains("30"), "{letter:?}");
        for change in [
            LoginChange::Password,
            LoginChange::SecondStep,
            LoginChange::RecoveryCodeUsed,
            LoginChange::AddressAsked,
            LoginChange::Address,
        ] {
            let letter = login_changed(language, Some("Ann"), change);
            assert!(
                letter.button.is_none() && letter.paragraphs.len() == 2,
                "{letter:?}"
            );
        }
    }
}

#[test]
fn a_refund_says_what_it_means_for_the_invoice() {
    let (usd, invoice) = (
        Currency::parse("usd").unwrap(),
        InvoiceId::stored("inv_1".to_owned()),
    );
    let refund = |means: Means| OfRefund {
        invoice: &invoice,
        numbers: "INV-00001",
        amount: Money::new(500, usd),
        means,
    };
    for language in Language::ALL {
        let reader = Reader {
            language,
            name: None,
            sender: "Nova IT",
        };
        let again = clients::refund(&reader, &refund(Means::OwedAgain(Money::new(500, usd))));
        assert!(again.button.is_some() && again.paragraphs.len() == 3, "{again:?}");
        let forgiven = clients::refund(&reader, &refund(Means::Forgiven));
        assert!(
            forgiven.button.is_none() && forgiven.paragraphs.len() == 3,
            "{forgiven:?}"
        );
        assert!(again.paragraphs[2] != forgiven.paragraphs[2]);
        // All of it came out of credit: nothing is said of the invoice.
        let of_credit = clients::refund(&reader, &refund(Means::Unsaid));
        assert!(
            of_credit.button.is_none() && of_credit.paragraphs.len() == 2,
            "{of_credit:?}"
        );
    }
}
