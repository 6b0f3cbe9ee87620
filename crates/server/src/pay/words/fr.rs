//! French.

use super::{Choice, Declines, Links, Notices, Panel, Paper, Refusals, Script, Words};

pub const WORDS: Words = Words {
    language: "Langue",
    title: "Facture {number} de {seller}",
    mode: "Mode",
    test_mode: "MODE TEST",
    no_real_money: "pas d'argent réel",
    processed_by_stripe: "Les paiements sont traités par Stripe. Les données de carte ne passent \
                          jamais par ce serveur.",
    notices: Notices {
        gone: "Ce lien de paiement n'est plus valable",
        gone_why: "Il a été remplacé par un lien plus récent ou il a expiré. Rien ne peut \
                   être payé ici.",
        gone_ask: "Cherchez un message plus récent de {seller}, ou demandez un nouveau lien.",
        gone_write: "Cherchez un message plus récent de {seller}, ou demandez un nouveau \
                     lien\u{a0}: {email}.",
        nothing: "Cette page n'existe pas",
        nothing_why: "L'adresse est incomplète ou mal écrite. Ouvrez de nouveau le lien de votre \
                      facture, ou copiez-le en entier.",
        busy: "Trop de requêtes",
        busy_why: "Trop d'adresses erronées ont été essayées depuis votre réseau. Veuillez \
                   rouvrir le lien de votre facture dans une minute.",
        trouble: "Cette page n'a pas pu être chargée",
        trouble_why: "Une erreur s'est produite de notre côté. Rien n'a été débité. Veuillez \
                      la recharger dans un instant.",
    },
    links: Links {
        forward: "Transmettre pour approbation",
        forward_why: "Cette personne reçoit par e-mail un lien à elle. Le destinataire de la \
                      facture reste le même.",
        name: "Nom",
        email: "Adresse e-mail",
        forward_do: "Transmettre",
        forwarded: "Transmise à",
        over: "lien plus valable",
        forwarded_by: "{by} vous a transmis cette facture.",
        name_wrong: "Saisissez un nom : des lettres seulement, 60 au plus.",
        email_wrong: "Saisissez une adresse e-mail, par exemple ann@example.com.",
        too_many: "Cette facture a été transmise autant de fois que possible. Demandez à \
                   l’expéditeur de l’envoyer à d’autres.",
        wait: "Vous l’avez transmise souvent en peu de temps. Veuillez réessayer plus tard.",
        try_again: "La page a été renouvelée entre-temps. Veuillez envoyer encore une fois.",
        fresh_why: "Nous pouvons envoyer un nouveau lien à l’adresse que {seller} connaît de \
                    vous.",
        fresh_send: "Envoyer un nouveau lien à {address}",
        fresh_sent: "Consultez vos e-mails",
        fresh_sent_why: "Un nouveau lien est en route vers {address}. S’il n’est pas là dans \
                         quelques minutes, regardez dans vos courriers indésirables avant d’en \
                         redemander un.",
        revoked: "Ce lien de paiement a été retiré",
        revoked_why: "{seller} l’a repris. Il ne permet plus de rien voir ni de rien payer.",
        revoked_ask: "Si vous en avez encore besoin, adressez-vous à {seller}.",
        revoked_write: "Si vous en avez encore besoin, écrivez à {seller} : {email}.",
    },
    panel: Panel {
        invoice: "Facture {number}",
        due: "Échéance le {day}",
        see_billed: "Voir le détail de la facture",
        by_card: "Payer par carte",
        by_card_or_bank: "Payer par carte ou par compte bancaire",
        loading: "Chargement du formulaire de carte\u{2026}",
        pay: "Payer {amount}",
        encrypted: "Chiffré et envoyé directement à Stripe.",
        script_needed: "Le paiement par carte nécessite JavaScript. Veuillez l'autoriser pour \
                        cette page et la recharger.",
        continue_title: "Paiement non terminé",
        continue_why: "Votre banque vous a demandé de confirmer ce paiement, et cela n'a pas \
                       été terminé. Votre carte n'a pas été débitée. Vous pouvez reprendre \
                       là où vous vous êtes arrêté.",
        continue_pay: "Reprendre le paiement \u{b7} {amount}",
        other_card: "Payer avec une autre carte",
        in_progress: "Paiement en cours",
        in_progress_why: "Un paiement de {amount} est en cours. Veuillez ne pas payer une seconde \
                          fois. Cette page affiche le résultat d'elle-même, en général en \
                          moins d'une minute.",
        paid: "Payée",
        paid_thanks: "Merci. {seller} a bien reçu votre paiement, et il ne reste rien à payer \
                      sur cette facture.",
        refunded: "Remboursée",
        given_back_why: "{seller} a reçu {amount} et remboursé {back}. Il ne reste rien à payer \
                         sur cette facture.",
        settled: "Réglée",
        by_bank: "Restitué par votre banque",
        by_bank_why: "{seller} a reçu {amount}, et votre banque vous a restitué {returned}. Il \
                      ne reste rien à payer sur cette facture.",
        given_back_and_by_bank_why: "{seller} a reçu {amount} et remboursé {back}, et votre \
                                     banque vous a restitué {returned}. Il ne reste rien à payer \
                                     sur cette facture.",
        by_credit: "Réglée par avoir",
        by_credit_why: "{seller} a réglé cette facture par un avoir. Il ne reste rien à payer.",
        given_back: "Remboursé",
        credited: "Porté à votre crédit",
        date: "Date",
        method: "Moyen de paiement",
        print: "Imprimer pour vos dossiers",
        void: "Facture annulée",
        void_why: "{seller} a annulé cette facture. Rien n'est dû, et elle ne peut pas être \
                   payée.",
        unavailable: "Le paiement en ligne n'est pas disponible",
        unavailable_why: "{seller} ne peut pas accepter de paiements par carte en ce moment. Rien \
                          n'a été débité. Veuillez revenir plus tard, ou demander un autre \
                          moyen de payer.",
        silent: "Temporairement indisponible",
        silent_why: "Le paiement par carte est temporairement indisponible. Rien n'a été \
                     débité. Veuillez réessayer dans quelques minutes\u{a0}: cette page affiche \
                     de nouveau le formulaire d'elle-même.",
        too_small: "Montant trop faible pour une carte",
        too_small_why: "Il reste {amount} à payer. C'est moins que le minimum d'un paiement par \
                        carte, qui est de {least}. Veuillez demander à {seller} comment le \
                        régler.",
        questions_write: "Des questions\u{a0}? Écrivez à {email}.",
        questions_ask: "Des questions\u{a0}? Adressez-vous à {seller}.",
    },
    choice: Choice {
        title: "Que voulez-vous payer\u{a0}?",
        one_other: "Vous avez une autre facture ouverte. Cochez-la pour la payer avec celle-ci.",
        others: "Vous avez {count} autres factures ouvertes. Cochez celles que vous voulez payer \
                 avec celle-ci.",
        all: "Payer la totalité",
        part: "Payer une partie",
        amount_in: "Montant en {currency}",
        at_least: "Au moins {amount}.",
    },
    paper: Paper {
        lines: "Ce qui est facturé",
        plus_tax: "{product}, plus taxe de {rate}",
        paid_so_far: "Déjà payé",
        stamp_paid: "Payée",
        stamp_settled: "Réglée",
        stamp_void: "Annulée",
        invoice_file: "Télécharger la facture (PDF)",
        receipt_file: "Télécharger le reçu (PDF), {day}, {amount}",
        receipt_file_undated: "Télécharger le reçu (PDF), {amount}",
    },
    script: Script {
        pay: "Payer",
        pay_amount: "Payer {amount}",
        not_an_amount: "Indiquez un montant, par exemple {amount}.",
        too_much: "C'est plus que ce qui est dû\u{a0}: {amount}.",
        processing: "Traitement en cours\u{2026}",
        waiting_for_bank: "En attente de votre banque\u{2026}",
        checking: "Vérification en cours\u{2026}",
        checking_why: "Nous vérifions si votre paiement a abouti. Ne payez pas une seconde fois.",
        not_found: "Nous n'avons trouvé aucun paiement\u{a0}: rien n'a été débité. Vous \
                    pouvez réessayer.",
        not_sent: "Le formulaire de carte n'a pas répondu\u{a0}: rien n'a été envoyé. Veuillez \
                   réessayer.",
        not_confirmed: "La vérification de votre banque n'a pas été terminée\u{a0}: votre \
                        carte n'a pas été débitée. Veuillez réessayer.",
        part_received: "Merci, votre paiement a bien été reçu. Voici ce qui reste à payer.",
        due_changed: "Le montant à payer a changé. Veuillez le vérifier avant de payer.",
        not_completed: "Le paiement n'a pas abouti. Veuillez réessayer ou utiliser une autre \
                        carte.",
        no_form: "Le formulaire de carte n'a pas pu être chargé. Vérifiez votre connexion ou \
                  votre bloqueur de publicités.",
        link_gone: "Ce lien de paiement n'est plus valable. Rechargez la page pour savoir \
                    pourquoi.",
        try_again: "Réessayer",
        load_again: "Recharger la page",
    },
    refusals: Refusals {
        amount_too_small: "Payez au moins {least}.",
        amount_too_large: "C'est plus que ce qui peut être payé en une fois.",
        invoice_draft: "Cette facture ne peut pas encore être payée.",
        invoice_paid: "Cette facture est déjà payée.",
        invoice_void: "Cette facture a été annulée.",
        payment_in_progress: "Un paiement de cette facture est en cours. Veuillez attendre son \
                              résultat.",
        amount_changed: "Le montant à payer a changé. Rechargez la page et vérifiez-le.",
        part_too_small: "Payez au moins {least}.",
        rest_too_small: "Payez la totalité, soit {all}, ou au plus {most}, pour que le reste \
                         puisse être payé plus tard.",
        invoices_changed: "L'une de ces factures ne peut plus être payée. Rechargez la page et \
                           vérifiez-les.",
        link_expired: "Ce lien n'est plus valable. Demandez-en un nouveau à l'expéditeur de la \
                       facture.",
        link_revoked: "Ce lien a été retiré. Demandez-en un autre à l'expéditeur de la facture.",
        payments_unavailable: "L'expéditeur de cette facture ne peut pas accepter de paiements en \
                               ligne en ce moment.",
        confirmation_token_refused: "Les données de carte ont déjà été utilisées ou ont \
                                     expiré. Saisissez-les de nouveau\u{a0}; rien n'a été \
                                     débité.",
        payment_refused: "Le paiement n'a pas pu être lancé. Rien n'a été débité. Veuillez \
                          demander à l'expéditeur de la facture un autre moyen de payer.",
        page_token_required: "Le paiement ne vient pas de la page de cette facture. Rechargez la \
                              page\u{a0}; rien n'a été débité.",
        page_expired: "La page a plus d'une demi-heure. Rechargez-la et payez ensuite\u{a0}; rien \
                       n'a été débité.",
        too_soon: "C'était plus rapide que n'importe qui ne lit une facture. Réessayez dans \
                   {wait}\u{a0}; rien n'a été débité.",
        challenge_required: "Les paiements sont vérifiés de plus près en ce moment. Rechargez \
                             la page et payez ensuite\u{a0}; rien n'a été débité.",
        too_many_attempts: "Trop de paiements n'ont pas abouti. Réessayez dans {wait}, ou \
                            demandez à l'expéditeur de la facture un autre moyen de payer. Rien \
                            n'a été débité.",
        rate_limited: "Trop de requêtes. Réessayez dans {wait}.",
        temporarily_unavailable: "Le paiement par carte est temporairement indisponible. Rien n'a \
                                  été débité. Réessayez dans quelques minutes.",
    },
    declines: Declines {
        declined: "Votre carte a été refusée. Veuillez essayer une autre carte, ou demander à \
                   votre banque.",
        declined_by_bank: "Votre banque a refusé le paiement sans donner de raison. Veuillez vous \
                           renseigner auprès d'elle, ou utiliser une autre carte.",
        insufficient_funds: "La provision de la carte ne suffit pas pour ce paiement. Veuillez \
                             utiliser une autre carte.",
        card_limit: "La carte a atteint son plafond pour le moment. Veuillez utiliser une autre \
                     carte, ou réessayer plus tard.",
        expired_card: "La carte a expiré. Veuillez utiliser une autre carte.",
        card_number: "Le numéro de carte n'est pas correct. Veuillez le vérifier et réessayer.",
        expiry_date: "La date d'expiration n'est pas correcte. Veuillez la vérifier et \
                      réessayer.",
        security_code: "Le code de sécurité n'est pas correct. Veuillez le vérifier et \
                        réessayer.",
        address: "Le code postal ou l'adresse ne correspond pas à la carte. Veuillez vérifier et \
                  réessayer.",
        not_confirmed: "Votre banque n'a pas pu confirmer que c'est bien vous. Veuillez réessayer \
                        et terminer sa vérification, ou utiliser une autre carte.",
        bank_silent: "Votre banque n'a pas répondu à temps. Veuillez réessayer dans un instant, \
                      ou utiliser une autre carte.",
        card_kind: "Cette carte ne peut pas servir à ce paiement. Veuillez utiliser une autre \
                    carte.",
        repeated: "Votre banque prend ce paiement pour un doublon. Veuillez attendre quelques \
                   minutes, ou utiliser une autre carte.",
        test_card: "Ceci est une carte de test\u{a0}; cette page n'accepte que de vrais paiements. \
                    Veuillez utiliser une vraie carte.",
        test_cards_only: "Cette page n'accepte que des cartes de test, et pas d'argent réel. \
                          Veuillez utiliser une carte de test.",
    },
};
