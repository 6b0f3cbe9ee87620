//! German.

use super::{Labels, Template, Words};

pub(super) const WORDS: Words = Words {
    greeting: "Guten Tag,",
    greeting_by_name: "Guten Tag {name},",
    test: "Dies ist ein Test. Es fließt kein Geld, und es ist nichts zu bezahlen.",
    questions: "Fragen? Schreiben Sie an {contact}.",
    address: "Wenn die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:",
    automatic: "Sie erhalten diese E-Mail, weil Sie hier einen Zugang haben. Welche Sie erhalten, bestimmen \
                Sie.",
    notice: "Sie erhalten diese E-Mail, weil {sender} Meldungen an diese Adresse schicken lässt. \
             Dort kann sie ausgetragen werden.",
    labels: Labels {
        invoice: "Rechnung",
        invoices: "Rechnungen",
        client: "Kunde",
        amount: "Betrag",
        owed: "Noch zu zahlen",
        due: "Fällig am",
        paid_on: "Bezahlt am",
        paid_with: "Bezahlt mit",
        reason: "Grund",
        answer_by: "Antwort bis",
        account: "Konto",
    },
    invoice: Template {
        subject: "Rechnung {number} von {sender}",
        paragraphs: &[
            "dies ist unsere Rechnung {number} über {total}.",
            "Bitte bezahlen Sie sie bis zum {due}.",
            "{note}",
        ],
        button: Some("{amount} bezahlen"),
        notes: &["Der Link ist für Sie bestimmt: Wer ihn hat, kann die Rechnung sehen und bezahlen."],
    },
    reminder_before: Template {
        subject: "Rechnung {number} ist am {due} fällig",
        paragraphs: &[
            "wir erinnern Sie daran, dass unsere Rechnung {number} über {total} am {due} fällig ist.",
            "Falls Sie inzwischen bezahlt haben, brauchen Sie nichts zu tun.",
        ],
        button: Some("{amount} bezahlen"),
        notes: &[],
    },
    reminder_today: Template {
        subject: "Rechnung {number} ist heute fällig",
        paragraphs: &[
            "unsere Rechnung {number} über {total} ist heute fällig.",
            "Falls Sie inzwischen bezahlt haben, brauchen Sie nichts zu tun.",
        ],
        button: Some("{amount} bezahlen"),
        notes: &[],
    },
    reminder_after: Template {
        subject: "Erinnerung: Rechnung {number} war am {due} fällig",
        paragraphs: &[
            "unsere Rechnung {number} war am {due} fällig, und {amount} davon sind noch nicht bei uns \
             eingegangen.",
            "Bitte bezahlen Sie sie jetzt, oder sagen Sie uns, wann Sie das tun. Falls Sie inzwischen \
             bezahlt \
             haben, brauchen Sie nichts zu tun.",
        ],
        button: Some("{amount} bezahlen"),
        notes: &[],
    },
    receipt: Template {
        subject: "Quittung: {amount} an {sender}",
        paragraphs: &[
            "vielen Dank. Ihre Zahlung über {amount} ist bei uns eingegangen.",
            "{left} sind noch zu zahlen.",
            "Es war mehr als geschuldet. {credit} halten wir als Guthaben für Sie bereit.",
        ],
        button: Some("Rechnung ansehen"),
        notes: &[],
    },
    refund: Template {
        subject: "Rückzahlung von {amount} durch {sender}",
        paragraphs: &[
            "wir haben Ihnen {amount} zurückgezahlt, auf die Karte oder das Konto, mit dem Sie bezahlt \
             haben.",
            "Meist dauert es fünf bis zehn Werktage, bis der Betrag dort zu sehen ist.",
            "Von unserer Rechnung {open} sind damit wieder {again} offen.",
            "Für unsere Rechnung {settled} schulden Sie uns diesen Betrag nicht mehr.",
        ],
        button: Some("{again} bezahlen"),
        notes: &[],
    },
    refund_failed: Template {
        subject: "Ihre Rückzahlung von {amount} ist nicht angekommen",
        paragraphs: &[
            "wir haben Ihnen {amount} zurückgezahlt, und Ihre Bank hat uns den Betrag zurückgegeben, etwa \
             weil die \
             Karte oder das Konto nicht mehr besteht.",
            "Das Geld ist nicht verloren. Bitte sagen Sie uns, wie wir es Ihnen zahlen dürfen.",
        ],
        button: None,
        notes: &[],
    },
    payment_failed: Template {
        subject: "Ihre Zahlung von {amount} ist nicht ausgeführt worden",
        paragraphs: &[
            "Ihre Bank hat Ihre Zahlung von {amount} für die Rechnung {number} nicht ausgeführt.",
            "Bitte bezahlen Sie noch einmal, wenn nötig mit einer anderen Karte oder einem anderen Konto.",
        ],
        button: Some("Noch einmal bezahlen"),
        notes: &[],
    },
    new_link: Template {
        subject: "Ihr neuer Link zur Rechnung {number} von {sender}",
        paragraphs: &[
            "Sie haben einen neuen Link zu unserer Rechnung {number} angefordert. Der vorige gilt nicht \
             mehr.",
        ],
        button: Some("Rechnung ansehen"),
        notes: &["Falls Sie ihn nicht angefordert haben, brauchen Sie nichts zu tun."],
    },
    forwarded: Template {
        subject: "Rechnung {number} von {sender}, an Sie weitergeleitet",
        paragraphs: &[
            "{by} hat unsere Rechnung {number} über {total} an Sie weitergeleitet, damit Sie sie freigeben \
             oder bezahlen können.",
        ],
        button: Some("Rechnung ansehen"),
        notes: &[
            "Der Link ist für Sie bestimmt: Wer ihn hat, kann die Rechnung sehen und bezahlen.",
            "Falls Sie nicht wissen, worum es geht, brauchen Sie nichts zu tun.",
        ],
    },
    invitation: Template {
        subject: "Einladung zu {organisation}",
        paragraphs: &[
            "{by} lädt Sie zu {organisation} ein.",
            "Sie sind eingeladen, mit {organisation} zu arbeiten. Nehmen Sie an, und wählen Sie, wie Sie \
             sich \
             anmelden.",
        ],
        button: Some("Einladung annehmen"),
        notes: &[
            "Der Link gilt einmal und {days} Tage lang. Falls Sie nicht wissen, worum es geht, brauchen Sie \
             nichts zu tun.",
        ],
    },
    invited_elsewhere: Template {
        subject: "Sie sind zu {organisation} eingeladen",
        paragraphs: &[
            "{by} lädt Sie zu {organisation} ein.",
            "Mit dieser Adresse melden Sie sich hier schon bei einer anderen Firma an, und eine Adresse \
             gilt für eine. Es wurde nichts geändert.",
            "Um anzunehmen, bitten Sie {by}, eine andere Adresse von Ihnen einzuladen.",
        ],
        button: None,
        notes: &[],
    },
    another_owner: Template {
        subject: "{organisation} bekommt noch einen Inhaber",
        paragraphs: &[
            "{by} lässt {whom} Inhaber von {organisation} werden.",
            "Ein Inhaber darf alles: Stripe verbinden, API-Schlüssel erstellen und bestimmen, wer sich \
             sonst anmelden darf.",
        ],
        button: Some("Benutzer ansehen"),
        notes: &["Wenn Sie das nicht erwartet haben, sperren Sie die Person aus und fragen Sie {by}."],
    },
    reset: Template {
        subject: "Neues Passwort wählen",
        paragraphs: &["jemand, hoffentlich Sie, möchte für Ihren Zugang ein neues Passwort wählen."],
        button: Some("Neues Passwort wählen"),
        notes: &[
            "Der Link gilt einmal und {minutes} Minuten lang. Falls Sie das nicht waren, brauchen Sie \
             nichts zu \
             tun: Ihr Passwort bleibt, wie es ist.",
        ],
    },
    password_changed: Template {
        subject: "Ihr Passwort wurde geändert",
        paragraphs: &[
            "das Passwort Ihres Zugangs wurde geändert, und alle anderen Sitzungen wurden beendet.",
            "Falls Sie das nicht waren, lassen Sie Ihren Zugang sofort von Ihrer Administration sperren.",
        ],
        button: None,
        notes: &[],
    },
    second_step_changed: Template {
        subject: "Der zweite Schritt Ihrer Anmeldung wurde geändert",
        paragraphs: &[
            "der zweite Schritt Ihrer Anmeldung wurde geändert.",
            "Falls Sie das nicht waren, lassen Sie Ihren Zugang sofort von Ihrer Administration sperren.",
        ],
        button: None,
        notes: &[],
    },
    recovery_code_used: Template {
        subject: "Einer Ihrer Wiederherstellungscodes wurde benutzt",
        paragraphs: &[
            "mit einem Ihrer Wiederherstellungscodes hat sich jemand angemeldet. Er gilt nicht mehr, \
             die anderen gelten weiter.",
            "Falls Sie das nicht waren, lassen Sie Ihren Zugang sofort von Ihrer Administration \
             sperren.",
        ],
        button: None,
        notes: &[],
    },
    address_asked: Template {
        subject: "Neue Adresse bestätigen",
        paragraphs: &["Sie möchten sich künftig mit dieser Adresse anmelden."],
        button: Some("Adresse übernehmen"),
        notes: &["Der Link gilt einmal und {minutes} Minuten lang. \
             Falls Sie das nicht waren, brauchen Sie nichts zu tun."],
    },
    address_change_asked: Template {
        subject: "Für Ihren Zugang wird eine andere Adresse gewünscht",
        paragraphs: &[
            "jemand, hoffentlich Sie, möchte für Ihren Zugang eine andere E-Mail-Adresse. Sie gilt, \
             sobald der dorthin gesandte Link geöffnet wird.",
            "Falls Sie das nicht waren, ändern Sie sofort Ihr Passwort: Dann ist der Link wertlos.",
        ],
        button: None,
        notes: &[],
    },
    address_changed: Template {
        subject: "Die Adresse Ihres Zugangs wurde geändert",
        paragraphs: &[
            "die E-Mail-Adresse Ihres Zugangs wurde geändert.",
            "Falls Sie das nicht waren, lassen Sie Ihren Zugang sofort von Ihrer Administration sperren.",
        ],
        button: None,
        notes: &[],
    },
    staff_paid: Template {
        subject: "{client} hat {amount} bezahlt",
        paragraphs: &["{client} hat {amount} bezahlt."],
        button: None,
        notes: &[],
    },
    staff_payment_failed: Template {
        subject: "Eine Zahlung von {client} ist gescheitert: {amount}",
        paragraphs: &[
            "eine Zahlung von {client} über {amount} war unterwegs und ist gescheitert. Die Rechnung ist \
             wieder \
             offen.",
        ],
        button: None,
        notes: &[],
    },
    staff_refund_failed: Template {
        subject: "Eine Rückzahlung an {client} ist gescheitert: {amount}",
        paragraphs: &[
            "eine Rückzahlung von {amount} an {client} ist gescheitert. Das Geld ist wieder auf Ihrem \
             Konto; zahlen \
             Sie es Ihrem Kunden auf anderem Weg.",
        ],
        button: None,
        notes: &[],
    },
    staff_dispute: Template {
        subject: "{client} beanstandet eine Zahlung von {amount}",
        paragraphs: &[
            "die Bank von {client} fordert {amount} zurück.",
            "Wenn die Zahlung berechtigt war, legen Sie der Bank bis zum {answer_by} Ihre Belege vor. Ohne \
             Antwort \
             ist das Geld verloren.",
        ],
        button: None,
        notes: &[],
    },
    staff_requirements: Template {
        subject: "Stripe braucht Angaben zu Ihrem Konto",
        paragraphs: &[
            "Stripe braucht Angaben zu Ihrem Konto {account}.",
            "Machen Sie sie bis zum {answer_by}: Danach kann Stripe Zahlungen oder Auszahlungen anhalten.",
            "{restricted}Bis dahin hat Stripe Zahlungen oder Auszahlungen eingeschränkt.",
        ],
        button: None,
        notes: &[],
    },
    staff_payout_failed: Template {
        subject: "Eine Auszahlung von {amount} ist gescheitert",
        paragraphs: &[
            "Ihre Bank hat eine Auszahlung von {amount} nicht angenommen. Das Geld ist wieder auf Ihrem \
             Stripe-Guthaben.",
            "Prüfen Sie das Bankkonto in Stripes Dashboard: Vorher zahlt Stripe nichts aus.",
        ],
        button: None,
        notes: &[],
    },
};
