//! What operators are told, in German.

use super::{Template, Words};

pub(super) const WORDS: Words = Words {
    mode: "Modus",
    count: "Wie viele",
    detail: "Befund",
    seen: "Zuerst gesehen am",
    dead_events: Template {
        subject: "Webhooks im {mode}-Modus wurden aufgegeben",
        paragraphs: &[
            "Webhooks, die Stripe im {mode}-Modus geschickt hat, ließen sich nicht verarbeiten und \
             werden nicht mehr versucht.",
            "Beheben Sie, was unten genannt ist, und lassen Sie sie dann noch einmal verarbeiten: in \
             der Konsole oder mit `psa-pay webhooks replay`.",
        ],
        button: Some("Eingang öffnen"),
        notes: &[],
    },
    old_breaks: Template {
        subject: "Eine Abweichung von Stripe im {mode}-Modus ist einen Tag alt",
        paragraphs: &[
            "was hier im {mode}-Modus bekannt ist, weicht seit über einem Tag von dem ab, was Stripe \
             sagt.",
            "Die Seite der Abweichungen sagt, was diese Art bedeutet und was zu tun ist.",
        ],
        button: Some("Abweichungen öffnen"),
        notes: &[],
    },
    endpoints: Template {
        subject: "Stripes Webhook-Endpunkte im {mode}-Modus stimmen nicht",
        paragraphs: &[
            "wohin Stripe Webhooks im {mode}-Modus schickt, ist nicht, wie es sein muss: Manche \
             kommen vielleicht nie an.",
            "`psa-pay webhooks list --mode {mode_word}` zeigt es, `psa-pay webhooks setup --mode \
             {mode_word}` behebt es.",
        ],
        button: Some("Konfiguration öffnen"),
        notes: &[],
    },
    silence: Template {
        subject: "Im {mode}-Modus kommen keine Webhooks an",
        paragraphs: &[
            "Kunden haben im {mode}-Modus bezahlt, und seitdem kam kein Webhook von Stripe. Zahlungen \
             werden durch Nachfragen gefunden, nur später.",
            "Sehen Sie in Stripes Dashboard nach, was aus den Zustellungen wurde, und rufen Sie \
             `psa-pay doctor` auf.",
        ],
        button: Some("Eingang öffnen"),
        notes: &[],
    },
    clock: Template {
        subject: "Die Uhr von psa-pay geht falsch",
        paragraphs: &[
            "ein Webhook mit echter Unterschrift wurde abgelehnt, weil seine Zeit und unsere zu weit \
             auseinanderliegen.",
            "Stellen Sie die Uhr dieses Rechners mit NTP. Geht sie richtig, schickt jemand alte \
             Webhooks noch einmal.",
        ],
        button: Some("Konfiguration öffnen"),
        notes: &[],
    },
    payouts: Template {
        subject: "Auszahlungen an {tenant} scheitern",
        paragraphs: &[
            "die Bank von {tenant} hat im {mode}-Modus eine Auszahlung nicht angenommen, und seitdem \
             kam keine mehr an.",
            "Auch die Leute dort erfahren es. Stripe zahlt nichts aus, bis das Bankkonto in seinem \
             Dashboard stimmt.",
        ],
        button: Some("Abweichungen öffnen"),
        notes: &[],
    },
    backup: Template {
        subject: "Die Sicherung von psa-pay ist zu alt",
        paragraphs: &[
            "die letzte Sicherung ist vom {last}.",
            "{none}die Datenbank wurde noch nie gesichert.",
            "Rufen Sie jede Nacht `psa-pay backup --to DATEI` auf, und bewahren Sie die Datei \
             anderswo auf.",
        ],
        button: Some("Konfiguration öffnen"),
        notes: &[],
    },
    disk: Template {
        subject: "Die Platte von psa-pay füllt sich",
        paragraphs: &[
            "auf der Platte, auf der die Datei der Datenbank liegt, ist weniger als ein Fünftel frei.",
            "Schaffen Sie Platz, oder legen Sie die Datei auf eine größere: Auf einer vollen wird keine \
             Zahlung und kein Ereignis angenommen, bis wieder Platz ist.",
        ],
        button: Some("Konfiguration öffnen"),
        notes: &[],
    },
    locked: Template {
        subject: "LIVE ist gesperrt",
        paragraphs: &[
            "im {mode}-Modus bewegt sich kein Geld: Die Datenbank ist eine Kopie und weiß vielleicht \
             weniger als Stripe.",
            "Rufen Sie `psa-pay reconcile` auf, wie das Protokoll es sagt; docs/operators.md erklärt, \
             wie er wieder geöffnet wird.",
        ],
        button: Some("Konfiguration öffnen"),
        notes: &[],
    },
    unsound: Template {
        subject: "LIVE ist gesperrt: Die Bücher wurden verändert",
        paragraphs: &[
            "im {mode}-Modus bewegt sich kein Geld: In der Datenbank steht anderes, als dort \
             geschrieben wurde.",
            "Sehen Sie sich jede Abweichung an, und wer in die Datenbank schreiben kann. LIVE öffnet sich, \
             sobald jede erledigt ist.",
        ],
        button: Some("Abweichungen ansehen"),
        notes: &[],
    },
};
