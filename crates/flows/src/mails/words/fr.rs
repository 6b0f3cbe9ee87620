//! French.

use super::{Labels, Template, Words};

pub(super) const WORDS: Words = Words {
    greeting: "Bonjour,",
    greeting_by_name: "Bonjour {name},",
    test: "Ceci est un test. Aucun argent ne circule et il n’y a rien à payer.",
    questions: "Des questions ? Écrivez à {contact}.",
    address: "Si le bouton ne fonctionne pas, ouvrez cette adresse :",
    automatic: "Vous recevez ce message parce que vous avez un accès ici. C’est vous qui choisissez \
                lesquels.",
    notice: "Vous recevez ce message parce que {sender} fait envoyer ses avis à cette adresse. \
             C’est là qu’elle peut être retirée.",
    labels: Labels {
        invoice: "Facture",
        invoices: "Factures",
        client: "Client",
        amount: "Montant",
        owed: "Reste à payer",
        due: "Échéance",
        paid_on: "Payée le",
        paid_with: "Moyen de paiement",
        reason: "Motif",
        answer_by: "Réponse au plus tard le",
        account: "Compte",
    },
    invoice: Template {
        subject: "Facture {number} de {sender}",
        paragraphs: &[
            "Voici notre facture {number} d’un montant de {total}.",
            "Merci de la régler au plus tard le {due}.",
            "{note}",
        ],
        button: Some("Payer {amount}"),
        notes: &["Ce lien vous est destiné : quiconque le possède peut voir cette facture et la payer."],
    },
    reminder_before: Template {
        subject: "La facture {number} arrive à échéance le {due}",
        paragraphs: &[
            "Nous vous rappelons que notre facture {number} d’un montant de {total} arrive à échéance le \
             {due}.",
            "Si vous l’avez réglée entre-temps, vous n’avez rien à faire.",
        ],
        button: Some("Payer {amount}"),
        notes: &[],
    },
    reminder_today: Template {
        subject: "La facture {number} arrive à échéance aujourd’hui",
        paragraphs: &[
            "Notre facture {number} d’un montant de {total} arrive à échéance aujourd’hui.",
            "Si vous l’avez réglée entre-temps, vous n’avez rien à faire.",
        ],
        button: Some("Payer {amount}"),
        notes: &[],
    },
    reminder_after: Template {
        subject: "Rappel : la facture {number} était due le {due}",
        paragraphs: &[
            "Notre facture {number} était due le {due} et {amount} ne nous sont pas encore parvenus.",
            "Merci de la régler maintenant ou de nous dire quand vous le ferez. Si vous l’avez réglée \
             entre-temps, \
             vous n’avez rien à faire.",
        ],
        button: Some("Payer {amount}"),
        notes: &[],
    },
    receipt: Template {
        subject: "Reçu : {amount} à {sender}",
        paragraphs: &[
            "Merci. Nous avons reçu votre paiement de {amount}.",
            "Il reste {left} à payer.",
            "C’était plus que le montant dû. Nous gardons {credit} à votre crédit.",
        ],
        button: Some("Voir la facture"),
        notes: &[],
    },
    refund: Template {
        subject: "Remboursement de {amount} par {sender}",
        paragraphs: &[
            "Nous vous avons remboursé {amount} sur la carte ou le compte avec lequel vous avez payé.",
            "Il faut en général cinq à dix jours ouvrables pour que le montant y apparaisse.",
            "Sur notre facture {open}, {again} restent de nouveau à payer.",
            "Vous ne nous devez plus ce montant pour notre facture {settled}.",
        ],
        button: Some("Payer {again}"),
        notes: &[],
    },
    refund_failed: Template {
        subject: "Votre remboursement de {amount} n’a pas abouti",
        paragraphs: &[
            "Nous vous avons remboursé {amount} et votre banque nous a retourné ce montant, par exemple \
             parce que \
             la carte ou le compte a été fermé.",
            "Cet argent n’est pas perdu. Merci de nous dire comment nous pouvons vous le verser.",
        ],
        button: None,
        notes: &[],
    },
    payment_failed: Template {
        subject: "Votre paiement de {amount} n’a pas abouti",
        paragraphs: &[
            "Votre banque n’a pas exécuté votre paiement de {amount} pour la facture {number}.",
            "Merci de payer à nouveau, au besoin avec une autre carte ou un autre compte.",
        ],
        button: Some("Payer à nouveau"),
        notes: &[],
    },
    new_link: Template {
        subject: "Votre nouveau lien vers la facture {number} de {sender}",
        paragraphs: &[
            "Vous avez demandé un nouveau lien vers notre facture {number}. Le précédent n’est plus valable.",
        ],
        button: Some("Voir la facture"),
        notes: &["Si vous ne l’avez pas demandé, vous n’avez rien à faire."],
    },
    forwarded: Template {
        subject: "Facture {number} de {sender}, transmise à votre attention",
        paragraphs: &[
            "{by} vous a transmis notre facture {number} de {total}, pour que vous puissiez l’approuver ou \
             la payer.",
        ],
        button: Some("Voir la facture"),
        notes: &[
            "Ce lien vous est destiné : toute personne qui le possède peut voir et payer la facture.",
            "Si vous ne savez pas de quoi il s’agit, vous n’avez rien à faire.",
        ],
    },
    invitation: Template {
        subject: "Invitation à rejoindre {organisation}",
        paragraphs: &[
            "{by} vous invite à rejoindre {organisation}.",
            "Vous êtes invité à travailler avec {organisation}. Acceptez et choisissez comment vous \
             connecter.",
        ],
        button: Some("Accepter l’invitation"),
        notes: &[
            "Le lien fonctionne une seule fois, pendant {days} jours. Si vous ne savez pas de quoi il \
             s’agit, vous \
             n’avez rien à faire.",
        ],
    },
    invited_elsewhere: Template {
        subject: "Vous êtes invité à rejoindre {organisation}",
        paragraphs: &[
            "{by} vous invite à rejoindre {organisation}.",
            "Cette adresse sert déjà à vous connecter à une autre entreprise ici, et une adresse vaut \
             pour une seule. Rien n’a été modifié.",
            "Pour accepter, demandez à {by} d’inviter une autre de vos adresses.",
        ],
        button: None,
        notes: &[],
    },
    another_owner: Template {
        subject: "{organisation} va avoir un autre propriétaire",
        paragraphs: &[
            "{by} fait de {whom} un propriétaire de {organisation}.",
            "Un propriétaire peut tout faire : connecter Stripe, créer des clés d’API et décider qui \
             d’autre peut se connecter.",
        ],
        button: Some("Voir les utilisateurs"),
        notes: &["Si vous ne vous y attendiez pas, bloquez cette personne et demandez à {by}."],
    },
    reset: Template {
        subject: "Choisir un autre mot de passe",
        paragraphs: &["Quelqu’un, vous sans doute, souhaite choisir un autre mot de passe pour votre accès."],
        button: Some("Choisir un autre mot de passe"),
        notes: &[
            "Le lien fonctionne une seule fois, pendant {minutes} minutes. Si ce n’était pas vous, vous \
             n’avez rien \
             à faire : votre mot de passe reste le même.",
        ],
    },
    password_changed: Template {
        subject: "Votre mot de passe a été modifié",
        paragraphs: &[
            "Le mot de passe de votre accès a été modifié et toutes les autres sessions ont été fermées.",
            "Si ce n’était pas vous, demandez tout de suite à votre administrateur de bloquer votre accès.",
        ],
        button: None,
        notes: &[],
    },
    second_step_changed: Template {
        subject: "La deuxième étape de votre connexion a été modifiée",
        paragraphs: &[
            "La deuxième étape de votre connexion a été modifiée.",
            "Si ce n’était pas vous, demandez tout de suite à votre administrateur de bloquer votre accès.",
        ],
        button: None,
        notes: &[],
    },
    recovery_code_used: Template {
        subject: "Un de vos codes de secours a été utilisé",
        paragraphs: &[
            "Quelqu’un s’est connecté avec un de vos codes de secours. Ce code ne vaut plus, les \
             autres restent valables.",
            "Si ce n’était pas vous, demandez tout de suite à votre administrateur de bloquer votre \
             accès.",
        ],
        button: None,
        notes: &[],
    },
    address_asked: Template {
        subject: "Confirmer votre nouvelle adresse",
        paragraphs: &["Vous souhaitez vous connecter désormais avec cette adresse."],
        button: Some("Utiliser cette adresse"),
        notes: &["Le lien fonctionne une seule fois, pendant {minutes} minutes. \
             Si ce n’était pas vous, vous n’avez rien à faire."],
    },
    address_change_asked: Template {
        subject: "Une autre adresse est demandée pour votre accès",
        paragraphs: &[
            "Quelqu’un, vous espérons-nous, a demandé une autre adresse électronique pour votre \
             accès. Elle vaudra dès que le lien envoyé là-bas sera ouvert.",
            "Si ce n’était pas vous, changez tout de suite votre mot de passe : le lien ne vaudra \
             alors plus rien.",
        ],
        button: None,
        notes: &[],
    },
    address_changed: Template {
        subject: "L’adresse de votre accès a été modifiée",
        paragraphs: &[
            "L’adresse électronique de votre accès a été modifiée.",
            "Si ce n’était pas vous, demandez tout de suite à votre administrateur de bloquer votre accès.",
        ],
        button: None,
        notes: &[],
    },
    staff_paid: Template {
        subject: "{client} a payé {amount}",
        paragraphs: &["{client} a payé {amount}."],
        button: None,
        notes: &[],
    },
    staff_payment_failed: Template {
        subject: "Un paiement de {client} a échoué : {amount}",
        paragraphs: &[
            "Un paiement de {amount} par {client} était en cours et a échoué. La facture est de nouveau \
             ouverte.",
        ],
        button: None,
        notes: &[],
    },
    staff_refund_failed: Template {
        subject: "Un remboursement à {client} a échoué : {amount}",
        paragraphs: &[
            "Un remboursement de {amount} à {client} a échoué. L’argent est de nouveau sur votre compte ; \
             versez-le \
             à votre client d’une autre façon.",
        ],
        button: None,
        notes: &[],
    },
    staff_dispute: Template {
        subject: "{client} conteste un paiement de {amount}",
        paragraphs: &[
            "La banque de {client} réclame {amount}.",
            "Si le paiement était justifié, fournissez vos preuves à la banque au plus tard le {answer_by}. \
             Sans réponse, l’argent est perdu.",
        ],
        button: None,
        notes: &[],
    },
    staff_requirements: Template {
        subject: "Stripe a besoin d’informations sur votre compte",
        paragraphs: &[
            "Stripe a besoin d’informations sur votre compte {account}.",
            "Fournissez-les au plus tard le {answer_by} : ensuite, Stripe peut suspendre les paiements ou \
             les virements.",
            "{restricted}D’ici là, Stripe a restreint les paiements ou les virements.",
        ],
        button: None,
        notes: &[],
    },
    staff_payout_failed: Template {
        subject: "Un virement de {amount} a échoué",
        paragraphs: &[
            "Votre banque n’a pas accepté un virement de {amount}. L’argent est de nouveau sur votre solde \
             Stripe.",
            "Vérifiez le compte bancaire dans le tableau de bord de Stripe : Stripe ne verse rien avant.",
        ],
        button: None,
        notes: &[],
    },
};
