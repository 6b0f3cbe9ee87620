//! What operators are told, in French.

use super::{Template, Words};

pub(super) const WORDS: Words = Words {
    mode: "Mode",
    count: "Combien",
    detail: "Constat",
    seen: "Vu pour la première fois le",
    dead_events: Template {
        subject: "Des webhooks du mode {mode} ont été abandonnés",
        paragraphs: &[
            "Des webhooks envoyés par Stripe en mode {mode} n’ont pas pu être traités et ne sont plus \
             essayés.",
            "Corrigez ce qui est indiqué ci-dessous, puis faites-les traiter à nouveau : dans la \
             console, ou par `psa-pay webhooks replay`.",
        ],
        button: Some("Ouvrir la réception"),
        notes: &[],
    },
    old_breaks: Template {
        subject: "Un écart avec Stripe en mode {mode} a plus d’un jour",
        paragraphs: &[
            "Ce que nous savons en mode {mode} et ce que dit Stripe diffèrent depuis plus d’un jour.",
            "La page des écarts explique ce que ce type signifie et ce qu’il faut faire.",
        ],
        button: Some("Ouvrir les écarts"),
        notes: &[],
    },
    endpoints: Template {
        subject: "Les webhooks de Stripe en mode {mode} sont mal réglés",
        paragraphs: &[
            "L’endroit où Stripe envoie les webhooks du mode {mode} n’est pas comme il doit être : \
             certains n’arriveront peut-être jamais.",
            "`psa-pay webhooks list --mode {mode_word}` le montre, `psa-pay webhooks setup --mode \
             {mode_word}` le répare.",
        ],
        button: Some("Ouvrir la configuration"),
        notes: &[],
    },
    silence: Template {
        subject: "Aucun webhook n’arrive en mode {mode}",
        paragraphs: &[
            "Des clients ont payé en mode {mode}, et aucun webhook de Stripe n’est arrivé depuis. Les \
             paiements sont trouvés en interrogeant Stripe, seulement plus tard.",
            "Voyez dans le tableau de bord de Stripe ce que sont devenus les envois, et lancez \
             `psa-pay doctor`.",
        ],
        button: Some("Ouvrir la réception"),
        notes: &[],
    },
    clock: Template {
        subject: "L’horloge de psa-pay est fausse",
        paragraphs: &[
            "Un webhook à la signature authentique a été refusé parce que son heure et la nôtre sont \
             trop éloignées.",
            "Réglez l’horloge de cette machine par NTP. Si elle est juste, quelqu’un renvoie \
             d’anciens webhooks.",
        ],
        button: Some("Ouvrir la configuration"),
        notes: &[],
    },
    payouts: Template {
        subject: "Les virements de {tenant} échouent",
        paragraphs: &[
            "La banque de {tenant} n’a pas accepté un virement en mode {mode}, et aucun ne lui est \
             parvenu depuis.",
            "Son personnel est prévenu aussi. Stripe ne verse rien tant que le compte bancaire n’est \
             pas corrigé dans son tableau de bord.",
        ],
        button: Some("Ouvrir les écarts"),
        notes: &[],
    },
    backup: Template {
        subject: "La sauvegarde de psa-pay est trop ancienne",
        paragraphs: &[
            "La dernière sauvegarde date du {last}.",
            "{none}La base de données n’a jamais été sauvegardée.",
            "Lancez `psa-pay backup --to FICHIER` chaque nuit, et conservez le fichier ailleurs.",
        ],
        button: Some("Ouvrir la configuration"),
        notes: &[],
    },
    disk: Template {
        subject: "Le disque de psa-pay se remplit",
        paragraphs: &[
            "Moins d’un cinquième est libre sur le disque où se trouve le fichier de la base de données.",
            "Faites de la place, ou déplacez le fichier sur un disque plus grand : sur un disque plein, \
             aucun paiement ni aucun événement n’est accepté tant que la place manque.",
        ],
        button: Some("Ouvrir la configuration"),
        notes: &[],
    },
    locked: Template {
        subject: "LIVE est verrouillé",
        paragraphs: &[
            "Aucun argent ne bouge en mode {mode} : la base de données est une copie, qui en sait \
             peut-être moins que Stripe.",
            "Lancez `psa-pay reconcile` comme le dit le journal ; docs/operators.md explique comment \
             le rouvrir.",
        ],
        button: Some("Ouvrir la configuration"),
        notes: &[],
    },
    unsound: Template {
        subject: "LIVE est verrouillé : les livres ont été modifiés",
        paragraphs: &[
            "Aucun argent ne bouge en mode {mode} : la base de données ne contient plus ce \
             qui y a été écrit.",
            "Examinez chaque écart, et qui peut écrire dans la base. LIVE s’ouvre dès que \
             chacun est réglé.",
        ],
        button: Some("Voir les écarts"),
        notes: &[],
    },
};
