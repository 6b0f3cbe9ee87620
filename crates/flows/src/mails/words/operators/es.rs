//! What operators are told, in Spanish.

use super::{Template, Words};

pub(super) const WORDS: Words = Words {
    mode: "Modo",
    count: "Cuántos",
    detail: "Hallazgo",
    seen: "Visto por primera vez el",
    dead_events: Template {
        subject: "Se abandonaron webhooks del modo {mode}",
        paragraphs: &[
            "Webhooks que Stripe envió en modo {mode} no se pudieron aplicar y ya no se intentan.",
            "Corrija lo que se indica abajo y haga que se apliquen de nuevo: en la consola o con \
             `psa-pay webhooks replay`.",
        ],
        button: Some("Abrir la entrada"),
        notes: &[],
    },
    old_breaks: Template {
        subject: "Una diferencia con Stripe en modo {mode} tiene un día",
        paragraphs: &[
            "Lo que sabemos en modo {mode} y lo que dice Stripe difieren desde hace más de un día.",
            "La página de diferencias dice qué significa este tipo y qué hay que hacer.",
        ],
        button: Some("Abrir las diferencias"),
        notes: &[],
    },
    endpoints: Template {
        subject: "Los webhooks de Stripe en modo {mode} no están bien",
        paragraphs: &[
            "El destino de los webhooks de Stripe en modo {mode} no es como debe ser: puede que \
             algunos no lleguen nunca.",
            "`psa-pay webhooks list --mode {mode_word}` lo muestra y `psa-pay webhooks setup --mode \
             {mode_word}` lo repara.",
        ],
        button: Some("Abrir la configuración"),
        notes: &[],
    },
    silence: Template {
        subject: "No llegan webhooks en modo {mode}",
        paragraphs: &[
            "Hay clientes que pagaron en modo {mode} y desde entonces no ha llegado ningún webhook de \
             Stripe. Los pagos se encuentran preguntando a Stripe, solo que más tarde.",
            "Mire en el panel de Stripe qué fue de los envíos y ejecute `psa-pay doctor`.",
        ],
        button: Some("Abrir la entrada"),
        notes: &[],
    },
    clock: Template {
        subject: "El reloj de psa-pay no está bien",
        paragraphs: &[
            "Se rechazó un webhook con una firma auténtica porque su hora y la nuestra están \
             demasiado lejos.",
            "Ponga en hora el reloj de esta máquina por NTP. Si está bien, alguien reenvía webhooks \
             antiguos.",
        ],
        button: Some("Abrir la configuración"),
        notes: &[],
    },
    payouts: Template {
        subject: "Fallan los pagos al banco de {tenant}",
        paragraphs: &[
            "El banco de {tenant} no aceptó un pago en modo {mode} y desde entonces no le ha llegado \
             ninguno.",
            "Su personal también recibe aviso. Stripe no paga nada hasta que la cuenta bancaria esté \
             bien en su panel.",
        ],
        button: Some("Abrir las diferencias"),
        notes: &[],
    },
    backup: Template {
        subject: "La copia de seguridad de psa-pay es demasiado antigua",
        paragraphs: &[
            "La última copia de seguridad es del {last}.",
            "{none}Nunca se ha hecho una copia de seguridad de la base de datos.",
            "Ejecute `psa-pay backup --to ARCHIVO` cada noche y guarde el archivo en otro lugar.",
        ],
        button: Some("Abrir la configuración"),
        notes: &[],
    },
    disk: Template {
        subject: "El disco de psa-pay se está llenando",
        paragraphs: &[
            "Queda libre menos de una quinta parte del disco en el que está el archivo de la base de datos.",
            "Haga sitio o mueva el archivo a un disco mayor: con el disco lleno no se acepta ningún pago \
             ni ningún evento hasta que vuelva a haber sitio.",
        ],
        button: Some("Abrir la configuración"),
        notes: &[],
    },
    locked: Template {
        subject: "LIVE está bloqueado",
        paragraphs: &[
            "No se mueve dinero en modo {mode}: la base de datos es una copia que quizá sepa menos \
             que Stripe.",
            "Ejecute `psa-pay reconcile` como dice el registro; docs/operators.md explica cómo \
             abrirlo de nuevo.",
        ],
        button: Some("Abrir la configuración"),
        notes: &[],
    },
    unsound: Template {
        subject: "LIVE está bloqueado: los libros fueron modificados",
        paragraphs: &[
            "No se mueve dinero en modo {mode}: lo que contiene la base de datos no es lo que \
             se escribió en ella.",
            "Revise cada diferencia y quién puede escribir en la base. LIVE se abre cuando \
             todas estén resueltas.",
        ],
        button: Some("Ver las diferencias"),
        notes: &[],
    },
};
