//! German.

use super::{Choice, Declines, Links, Notices, Panel, Paper, Refusals, Script, Words};

pub const WORDS: Words = Words {
    language: "Sprache",
    title: "Rechnung {number} von {seller}",
    mode: "Modus",
    test_mode: "TESTMODUS",
    no_real_money: "kein echtes Geld",
    processed_by_stripe: "Zahlungen werden von Stripe abgewickelt. Kartendaten gelangen nie auf \
                          diesen Server.",
    notices: Notices {
        gone: "Dieser Zahlungslink gilt nicht mehr",
        gone_why: "Er wurde durch einen neueren ersetzt oder ist abgelaufen. Hier kann nichts \
                   bezahlt werden.",
        gone_ask: "Suchen Sie nach einer neueren Nachricht von {seller}, oder bitten Sie um einen \
                   neuen Link.",
        gone_write: "Suchen Sie nach einer neueren Nachricht von {seller}, oder bitten Sie um \
                     einen neuen Link: {email}.",
        nothing: "Diese Seite gibt es nicht",
        nothing_why: "Die Adresse ist unvollständig oder falsch geschrieben. Öffnen Sie den Link \
                      aus Ihrer Rechnung noch einmal, oder kopieren Sie ihn ganz.",
        busy: "Zu viele Anfragen",
        busy_why: "Aus Ihrem Netz wurden zu viele falsche Adressen aufgerufen. Bitte öffnen Sie \
                   den Link aus Ihrer Rechnung in einer Minute noch einmal.",
        trouble: "Diese Seite konnte nicht geladen werden",
        trouble_why: "Bei uns ist etwas schiefgegangen. Es wurde nichts abgebucht. Bitte laden Sie \
                      sie gleich noch einmal.",
    },
    links: Links {
        forward: "Zur Freigabe weiterleiten",
        forward_why: "Die Person erhält per E-Mail einen eigenen Link. Der Empfänger der \
                      Rechnung bleibt derselbe.",
        name: "Name",
        email: "E-Mail-Adresse",
        forward_do: "Weiterleiten",
        forwarded: "Weitergeleitet an",
        over: "Link nicht mehr gültig",
        forwarded_by: "{by} hat diese Rechnung an Sie weitergeleitet.",
        name_wrong: "Geben Sie einen Namen ein: nur Buchstaben, höchstens 60.",
        email_wrong: "Geben Sie eine E-Mail-Adresse ein, etwa ann@example.com.",
        too_many: "Diese Rechnung wurde so oft weitergeleitet, wie es möglich ist. Bitten Sie \
                   den Absender, sie anderen zu senden.",
        wait: "Sie haben sie in kurzer Zeit oft weitergeleitet. Bitte versuchen Sie es später \
               noch einmal.",
        try_again: "Die Seite wurde inzwischen erneuert. Bitte senden Sie noch einmal ab.",
        fresh_why: "Wir können einen neuen Link an die Adresse senden, die {seller} von Ihnen \
                    kennt.",
        fresh_send: "Neuen Link an {address} senden",
        fresh_sent: "Sehen Sie in Ihre E-Mails",
        fresh_sent_why: "Ein neuer Link ist unterwegs an {address}. Ist er in ein paar Minuten \
                         nicht da, sehen Sie im Spam-Ordner nach, bevor Sie noch einmal fragen.",
        revoked: "Dieser Zahlungslink wurde zurückgezogen",
        revoked_why: "{seller} hat ihn zurückgenommen. Mit ihm lässt sich nichts mehr ansehen \
                      oder bezahlen.",
        revoked_ask: "Falls Sie ihn noch brauchen, fragen Sie {seller}.",
        revoked_write: "Falls Sie ihn noch brauchen, schreiben Sie an {seller}: {email}.",
    },
    panel: Panel {
        invoice: "Rechnung {number}",
        due: "Fällig am {day}",
        see_billed: "Rechnung ansehen",
        by_card: "Mit Karte bezahlen",
        by_card_or_bank: "Mit Karte oder vom Bankkonto bezahlen",
        loading: "Das Kartenformular wird geladen\u{2026}",
        pay: "{amount} bezahlen",
        encrypted: "Verschlüsselt und direkt an Stripe gesendet.",
        script_needed: "Zum Bezahlen mit Karte wird JavaScript gebraucht. Bitte erlauben Sie es \
                        für diese Seite, und laden Sie sie noch einmal.",
        continue_title: "Zahlung nicht abgeschlossen",
        continue_why: "Ihre Bank hat Sie gebeten, diese Zahlung zu bestätigen, und das wurde \
                       nicht zu Ende geführt. Ihre Karte wurde nicht belastet. Sie können dort \
                       weitermachen, wo Sie aufgehört haben.",
        continue_pay: "Zahlung fortsetzen \u{b7} {amount}",
        other_card: "Mit einer anderen Karte bezahlen",
        in_progress: "Zahlung läuft",
        in_progress_why: "Eine Zahlung über {amount} wird ausgeführt. Bitte bezahlen Sie nicht \
                          noch einmal. Diese Seite zeigt das Ergebnis von selbst, meist innerhalb \
                          einer Minute.",
        paid: "Bezahlt",
        paid_thanks: "Vielen Dank. Ihre Zahlung ist bei {seller} eingegangen, und auf diese \
                      Rechnung ist nichts mehr zu zahlen.",
        refunded: "Erstattet",
        given_back_why: "{seller} hat {amount} erhalten und {back} erstattet. Auf diese Rechnung \
                         ist nichts mehr zu zahlen.",
        settled: "Beglichen",
        by_bank: "Von Ihrer Bank erstattet",
        by_bank_why: "{seller} hat {amount} erhalten, und Ihre Bank hat Ihnen {returned} \
                      erstattet. Auf diese Rechnung ist nichts mehr zu zahlen.",
        given_back_and_by_bank_why: "{seller} hat {amount} erhalten und {back} erstattet, und Ihre \
                                     Bank hat Ihnen {returned} erstattet. Auf diese Rechnung ist \
                                     nichts mehr zu zahlen.",
        by_credit: "Durch Guthaben beglichen",
        by_credit_why: "{seller} hat diese Rechnung mit einem Guthaben beglichen. Es ist nichts \
                        mehr zu zahlen.",
        given_back: "Erstattet",
        credited: "Gutgeschrieben",
        date: "Datum",
        method: "Zahlungsart",
        print: "Für Ihre Unterlagen drucken",
        void: "Rechnung storniert",
        void_why: "{seller} hat diese Rechnung storniert. Es ist nichts zu zahlen, und sie kann \
                   nicht bezahlt werden.",
        unavailable: "Online-Zahlung nicht möglich",
        unavailable_why: "{seller} kann im Moment keine Kartenzahlungen annehmen. Es wurde nichts \
                          abgebucht. Bitte kommen Sie später wieder, oder fragen Sie nach einem \
                          anderen Zahlungsweg.",
        silent: "Vorübergehend nicht möglich",
        silent_why: "Das Bezahlen mit Karte ist vorübergehend nicht möglich. Es wurde nichts \
                     abgebucht. Bitte versuchen Sie es in ein paar Minuten wieder: Diese Seite \
                     zeigt das Formular dann von selbst.",
        too_small: "Zu wenig für eine Kartenzahlung",
        too_small_why: "{amount} sind noch offen. Das ist weniger, als mit einer Karte bezahlt \
                        werden kann, nämlich {least}. Bitte fragen Sie {seller}, wie Sie den \
                        Betrag begleichen können.",
        questions_write: "Fragen? Schreiben Sie an {email}.",
        questions_ask: "Fragen? Wenden Sie sich an {seller}.",
    },
    choice: Choice {
        title: "Was möchten Sie bezahlen?",
        one_other: "Sie haben noch eine offene Rechnung. Kreuzen Sie sie an, um sie mit dieser zu \
                    bezahlen.",
        others: "Sie haben {count} weitere offene Rechnungen. Kreuzen Sie an, was Sie mit dieser \
                 bezahlen möchten.",
        all: "Alles bezahlen",
        part: "Einen Teil bezahlen",
        amount_in: "Betrag in {currency}",
        at_least: "Mindestens {amount}.",
    },
    paper: Paper {
        lines: "Was berechnet wird",
        plus_tax: "{product}, zuzüglich {rate} Steuer",
        paid_so_far: "Bisher bezahlt",
        stamp_paid: "Bezahlt",
        stamp_settled: "Beglichen",
        stamp_void: "Storniert",
        invoice_file: "Rechnung herunterladen (PDF)",
        receipt_file: "Zahlungsbeleg herunterladen (PDF), {day}, {amount}",
        receipt_file_undated: "Zahlungsbeleg herunterladen (PDF), {amount}",
    },
    script: Script {
        pay: "Bezahlen",
        pay_amount: "{amount} bezahlen",
        not_an_amount: "Geben Sie einen Betrag ein, zum Beispiel {amount}.",
        too_much: "Das ist mehr, als offen ist: {amount}.",
        processing: "Wird ausgeführt\u{2026}",
        waiting_for_bank: "Warten auf Ihre Bank\u{2026}",
        checking: "Wird geprüft\u{2026}",
        checking_why: "Wir prüfen, ob Ihre Zahlung ausgeführt wurde. Bezahlen Sie nicht noch \
                       einmal.",
        not_found: "Wir haben keine Zahlung gefunden, es wurde also nichts abgebucht. Sie können \
                    es noch einmal versuchen.",
        not_sent: "Das Kartenformular hat nicht geantwortet, es wurde also nichts gesendet. Bitte \
                   versuchen Sie es noch einmal.",
        not_confirmed: "Die Prüfung Ihrer Bank wurde nicht abgeschlossen, Ihre Karte wurde also \
                        nicht belastet. Bitte versuchen Sie es noch einmal.",
        part_received: "Vielen Dank, Ihre Zahlung ist eingegangen. Dies ist noch offen.",
        due_changed: "Der offene Betrag hat sich geändert. Bitte prüfen Sie ihn, bevor Sie \
                      bezahlen.",
        not_completed: "Die Zahlung wurde nicht abgeschlossen. Bitte versuchen Sie es noch einmal, \
                        oder verwenden Sie eine andere Karte.",
        no_form: "Das Kartenformular konnte nicht geladen werden. Prüfen Sie Ihre Verbindung oder \
                  Ihren Werbeblocker.",
        link_gone: "Dieser Zahlungslink gilt nicht mehr. Laden Sie die Seite noch einmal, um zu \
                    sehen, warum.",
        try_again: "Noch einmal versuchen",
        load_again: "Seite neu laden",
    },
    refusals: Refusals {
        amount_too_small: "Bezahlen Sie mindestens {least}.",
        amount_too_large: "Das ist mehr, als auf einmal bezahlt werden kann.",
        invoice_draft: "Diese Rechnung kann noch nicht bezahlt werden.",
        invoice_paid: "Diese Rechnung ist bereits bezahlt.",
        invoice_void: "Diese Rechnung wurde storniert.",
        payment_in_progress: "Eine Zahlung dieser Rechnung wird gerade ausgeführt. Bitte warten \
                              Sie ihr Ergebnis ab.",
        amount_changed: "Der offene Betrag hat sich geändert. Laden Sie die Seite neu, und \
                         prüfen Sie ihn.",
        part_too_small: "Bezahlen Sie mindestens {least}.",
        rest_too_small: "Bezahlen Sie alles, also {all}, oder höchstens {most}, damit der Rest \
                         später bezahlt werden kann.",
        invoices_changed: "Eine dieser Rechnungen kann nicht mehr bezahlt werden. Laden Sie die \
                           Seite neu, und prüfen Sie sie.",
        link_expired: "Dieser Link gilt nicht mehr. Bitten Sie den Absender der Rechnung um einen \
                       neuen.",
        link_revoked: "Dieser Link wurde zurückgezogen. Bitten Sie den Absender der \
                       Rechnung um einen anderen.",
        payments_unavailable: "Der Absender dieser Rechnung kann im Moment keine Online-Zahlungen \
                               annehmen.",
        confirmation_token_refused: "Die Kartendaten wurden schon verwendet oder sind abgelaufen. \
                                     Geben Sie sie noch einmal ein; es wurde nichts abgebucht.",
        payment_refused: "Die Zahlung konnte nicht begonnen werden. Es wurde nichts abgebucht. \
                          Bitte fragen Sie den Absender der Rechnung nach einem anderen \
                          Zahlungsweg.",
        page_token_required: "Die Zahlung kommt nicht von der Seite dieser Rechnung. Laden Sie die \
                              Seite neu; es wurde nichts abgebucht.",
        page_expired: "Die Seite ist älter als eine halbe Stunde. Laden Sie sie neu, und bezahlen \
                       Sie dann; es wurde nichts abgebucht.",
        too_soon: "Das war schneller, als jemand eine Rechnung liest. Versuchen Sie es in {wait} \
                   noch einmal; es wurde nichts abgebucht.",
        challenge_required: "Zahlungen werden hier im Moment genauer geprüft. Laden Sie die Seite \
                             neu, und bezahlen Sie dann; es wurde nichts abgebucht.",
        too_many_attempts: "Zu viele Zahlungsversuche sind gescheitert. Nächster Versuch möglich \
                            in {wait}; oder fragen Sie den Absender der Rechnung nach einem \
                            anderen Zahlungsweg. Es wurde nichts abgebucht.",
        rate_limited: "Zu viele Anfragen. Nächster Versuch möglich in {wait}.",
        temporarily_unavailable: "Das Bezahlen mit Karte ist vorübergehend nicht möglich. Es \
                                  wurde nichts abgebucht. Versuchen Sie es in ein paar Minuten \
                                  noch einmal.",
    },
    declines: Declines {
        declined: "Ihre Karte wurde abgelehnt. Bitte versuchen Sie es mit einer anderen Karte, \
                   oder fragen Sie Ihre Bank.",
        declined_by_bank: "Ihre Bank hat die Zahlung ohne Angabe von Gründen abgelehnt. Bitte \
                           fragen Sie sie, oder verwenden Sie eine andere Karte.",
        insufficient_funds: "Die Karte ist für diese Zahlung nicht ausreichend gedeckt. Bitte \
                             verwenden Sie eine andere Karte.",
        card_limit: "Die Karte hat im Moment ihr Limit erreicht. Bitte verwenden Sie eine andere \
                     Karte, oder versuchen Sie es später noch einmal.",
        expired_card: "Die Karte ist abgelaufen. Bitte verwenden Sie eine andere Karte.",
        card_number: "Die Kartennummer stimmt nicht. Bitte prüfen Sie sie, und versuchen Sie es \
                      noch einmal.",
        expiry_date: "Das Ablaufdatum stimmt nicht. Bitte prüfen Sie es, und versuchen Sie es \
                      noch einmal.",
        security_code: "Der Sicherheitscode stimmt nicht. Bitte prüfen Sie ihn, und versuchen Sie \
                        es noch einmal.",
        address: "Postleitzahl oder Adresse passen nicht zur Karte. Bitte prüfen Sie sie, und \
                  versuchen Sie es noch einmal.",
        not_confirmed: "Ihre Bank konnte nicht bestätigen, dass Sie es sind. Bitte versuchen Sie \
                        es noch einmal und schließen Sie ihre Prüfung ab, oder verwenden Sie \
                        eine andere Karte.",
        bank_silent: "Ihre Bank hat nicht rechtzeitig geantwortet. Bitte versuchen Sie es gleich \
                      noch einmal, oder verwenden Sie eine andere Karte.",
        card_kind: "Diese Karte kann für diese Zahlung nicht verwendet werden. Bitte verwenden \
                    Sie eine andere Karte.",
        repeated: "Ihre Bank hält dies für eine doppelte Zahlung. Bitte warten Sie ein paar \
                   Minuten, oder verwenden Sie eine andere Karte.",
        test_card: "Dies ist eine Testkarte; diese Seite nimmt nur echte Zahlungen an. Bitte \
                    verwenden Sie eine echte Karte.",
        test_cards_only: "Diese Seite nimmt nur Testkarten an und kein echtes Geld. Bitte \
                          verwenden Sie eine Testkarte.",
    },
};
