//! Spanish.

use super::{Labels, Template, Words};

pub(super) const WORDS: Words = Words {
    greeting: "Hola:",
    greeting_by_name: "Hola, {name}:",
    test: "Esto es una prueba. No se mueve dinero y no hay nada que pagar.",
    questions: "¿Tiene preguntas? Escriba a {contact}.",
    address: "Si el botón no funciona, abra esta dirección:",
    automatic: "Recibe este mensaje porque tiene un acceso aquí. Usted decide cuáles recibe.",
    notice: "Recibe este mensaje porque {sender} envía sus avisos a esta dirección. Allí pueden \
             retirarla.",
    labels: Labels {
        invoice: "Factura",
        invoices: "Facturas",
        client: "Cliente",
        amount: "Importe",
        owed: "Queda por pagar",
        due: "Vencimiento",
        paid_on: "Pagada el",
        paid_with: "Medio de pago",
        reason: "Motivo",
        answer_by: "Respuesta hasta el",
        account: "Cuenta",
    },
    invoice: Template {
        subject: "Factura {number} de {sender}",
        paragraphs: &[
            "Esta es nuestra factura {number} por {total}.",
            "Le rogamos que la pague hasta el {due}.",
            "{note}",
        ],
        button: Some("Pagar {amount}"),
        notes: &["El enlace es para usted: quien lo tenga puede ver esta factura y pagarla."],
    },
    reminder_before: Template {
        subject: "La factura {number} vence el {due}",
        paragraphs: &[
            "Le recordamos que nuestra factura {number} por {total} vence el {due}.",
            "Si ya la ha pagado, no tiene que hacer nada.",
        ],
        button: Some("Pagar {amount}"),
        notes: &[],
    },
    reminder_today: Template {
        subject: "La factura {number} vence hoy",
        paragraphs: &[
            "Nuestra factura {number} por {total} vence hoy.",
            "Si ya la ha pagado, no tiene que hacer nada.",
        ],
        button: Some("Pagar {amount}"),
        notes: &[],
    },
    reminder_after: Template {
        subject: "Recordatorio: la factura {number} venció el {due}",
        paragraphs: &[
            "Nuestra factura {number} venció el {due} y todavía no hemos recibido {amount}.",
            "Le rogamos que la pague ahora o que nos diga cuándo lo hará. Si ya la ha pagado, no tiene que \
             hacer \
             nada.",
        ],
        button: Some("Pagar {amount}"),
        notes: &[],
    },
    receipt: Template {
        subject: "Recibo: {amount} a {sender}",
        paragraphs: &[
            "Gracias. Hemos recibido su pago de {amount}.",
            "Quedan {left} por pagar.",
            "Era más de lo debido. Guardamos {credit} como saldo a su favor.",
        ],
        button: Some("Ver la factura"),
        notes: &[],
    },
    refund: Template {
        subject: "Reembolso de {amount} de {sender}",
        paragraphs: &[
            "Le hemos reembolsado {amount} a la tarjeta o cuenta con la que pagó.",
            "Suele tardar de cinco a diez días hábiles en aparecer allí.",
            "De nuestra factura {open} quedan de nuevo {again} por pagar.",
            "Por nuestra factura {settled} ya no nos debe este importe.",
        ],
        button: Some("Pagar {again}"),
        notes: &[],
    },
    refund_failed: Template {
        subject: "Su reembolso de {amount} no se ha podido completar",
        paragraphs: &[
            "Le reembolsamos {amount} y su banco nos lo devolvió, por ejemplo porque la tarjeta o la cuenta \
             ya no \
             existe.",
            "El dinero no se ha perdido. Díganos cómo podemos pagárselo.",
        ],
        button: None,
        notes: &[],
    },
    payment_failed: Template {
        subject: "Su pago de {amount} no se ha realizado",
        paragraphs: &[
            "Su banco no ha realizado su pago de {amount} de la factura {number}.",
            "Le rogamos que pague de nuevo, si es necesario con otra tarjeta o cuenta.",
        ],
        button: Some("Pagar de nuevo"),
        notes: &[],
    },
    new_link: Template {
        subject: "Su nuevo enlace a la factura {number} de {sender}",
        paragraphs: &["Ha pedido un nuevo enlace a nuestra factura {number}. El anterior ya no es válido."],
        button: Some("Ver la factura"),
        notes: &["Si no lo ha pedido, no tiene que hacer nada."],
    },
    forwarded: Template {
        subject: "Factura {number} de {sender}, reenviada a usted",
        paragraphs: &[
            "{by} le ha reenviado nuestra factura {number} de {total} para que la apruebe o la pague.",
        ],
        button: Some("Ver la factura"),
        notes: &[
            "El enlace es para usted: quien lo tenga puede ver y pagar la factura.",
            "Si no sabe de qué se trata, no tiene que hacer nada.",
        ],
    },
    invitation: Template {
        subject: "Invitación a {organisation}",
        paragraphs: &[
            "{by} le invita a unirse a {organisation}.",
            "Está invitado a trabajar con {organisation}. Acepte y elija cómo iniciar sesión.",
        ],
        button: Some("Aceptar la invitación"),
        notes: &[
            "El enlace funciona una sola vez, durante {days} días. Si no sabe de qué se trata, no tiene que \
             hacer \
             nada.",
        ],
    },
    invited_elsewhere: Template {
        subject: "Le han invitado a unirse a {organisation}",
        paragraphs: &[
            "{by} le invita a unirse a {organisation}.",
            "Con esta dirección ya accede aquí a otra empresa, y una dirección vale para una sola. No \
             se ha cambiado nada.",
            "Para aceptar, pida a {by} que invite otra dirección suya.",
        ],
        button: None,
        notes: &[],
    },
    another_owner: Template {
        subject: "{organisation} va a tener otro propietario",
        paragraphs: &[
            "{by} hace a {whom} propietario de {organisation}.",
            "Un propietario puede hacerlo todo: conectar Stripe, crear claves de API y decidir quién \
             más puede entrar.",
        ],
        button: Some("Ver los usuarios"),
        notes: &["Si no lo esperaba, bloquee a esa persona y pregunte a {by}."],
    },
    reset: Template {
        subject: "Elegir otra contraseña",
        paragraphs: &["Alguien, esperamos que usted, ha pedido elegir otra contraseña para su acceso."],
        button: Some("Elegir otra contraseña"),
        notes: &[
            "El enlace funciona una sola vez, durante {minutes} minutos. Si no ha sido usted, no tiene que \
             hacer \
             nada: su contraseña sigue siendo la misma.",
        ],
    },
    password_changed: Template {
        subject: "Se ha cambiado su contraseña",
        paragraphs: &[
            "Se ha cambiado la contraseña de su acceso y se han cerrado todas las demás sesiones.",
            "Si no ha sido usted, pida enseguida a su administrador que bloquee su acceso.",
        ],
        button: None,
        notes: &[],
    },
    second_step_changed: Template {
        subject: "Se ha cambiado el segundo paso de su acceso",
        paragraphs: &[
            "Se ha cambiado el segundo paso de su acceso.",
            "Si no ha sido usted, pida enseguida a su administrador que bloquee su acceso.",
        ],
        button: None,
        notes: &[],
    },
    recovery_code_used: Template {
        subject: "Se ha usado uno de sus códigos de recuperación",
        paragraphs: &[
            "Alguien ha entrado con uno de sus códigos de recuperación. Ese código ya no sirve; los \
             demás, sí.",
            "Si no ha sido usted, pida enseguida a su administrador que bloquee su acceso.",
        ],
        button: None,
        notes: &[],
    },
    address_asked: Template {
        subject: "Confirmar su nueva dirección",
        paragraphs: &["Quiere iniciar sesión con esta dirección a partir de ahora."],
        button: Some("Usar esta dirección"),
        notes: &["El enlace funciona una sola vez, durante {minutes} minutos. \
             Si no ha sido usted, no tiene que hacer nada."],
    },
    address_change_asked: Template {
        subject: "Se ha pedido otra dirección para su acceso",
        paragraphs: &[
            "Alguien, esperamos que usted, ha pedido otra dirección de correo para su acceso. Valdrá \
             cuando se abra el enlace enviado allí.",
            "Si no ha sido usted, cambie enseguida su contraseña: así el enlace ya no sirve.",
        ],
        button: None,
        notes: &[],
    },
    address_changed: Template {
        subject: "Se ha cambiado la dirección de su acceso",
        paragraphs: &[
            "Se ha cambiado la dirección de correo de su acceso.",
            "Si no ha sido usted, pida enseguida a su administrador que bloquee su acceso.",
        ],
        button: None,
        notes: &[],
    },
    staff_paid: Template {
        subject: "{client} ha pagado {amount}",
        paragraphs: &["{client} ha pagado {amount}."],
        button: None,
        notes: &[],
    },
    staff_payment_failed: Template {
        subject: "Un pago de {client} ha fallado: {amount}",
        paragraphs: &[
            "Un pago de {amount} de {client} estaba en curso y ha fallado. La factura vuelve a estar \
             abierta.",
        ],
        button: None,
        notes: &[],
    },
    staff_refund_failed: Template {
        subject: "Un reembolso a {client} ha fallado: {amount}",
        paragraphs: &[
            "Un reembolso de {amount} a {client} ha fallado. El dinero vuelve a estar en su cuenta; \
             págueselo a su \
             cliente de otra forma.",
        ],
        button: None,
        notes: &[],
    },
    staff_dispute: Template {
        subject: "{client} disputa un pago de {amount}",
        paragraphs: &[
            "El banco de {client} reclama {amount}.",
            "Si el pago era correcto, presente sus pruebas al banco hasta el {answer_by}. Sin respuesta, \
             el dinero \
             se pierde.",
        ],
        button: None,
        notes: &[],
    },
    staff_requirements: Template {
        subject: "Stripe necesita información sobre su cuenta",
        paragraphs: &[
            "Stripe necesita información sobre su cuenta {account}.",
            "Facilítela hasta el {answer_by}: después, Stripe puede detener los pagos o las transferencias.",
            "{restricted}Hasta entonces, Stripe ha restringido los pagos o las transferencias.",
        ],
        button: None,
        notes: &[],
    },
    staff_payout_failed: Template {
        subject: "Una transferencia de {amount} ha fallado",
        paragraphs: &[
            "Su banco no ha aceptado una transferencia de {amount}. El dinero vuelve a estar en su saldo de \
             Stripe.",
            "Revise la cuenta bancaria en el panel de Stripe: Stripe no transfiere nada antes.",
        ],
        button: None,
        notes: &[],
    },
};
