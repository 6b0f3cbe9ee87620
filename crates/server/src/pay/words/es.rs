//! Spanish.

use super::{Choice, Declines, Links, Notices, Panel, Paper, Refusals, Script, Words};

pub const WORDS: Words = Words {
    language: "Idioma",
    title: "Factura {number} de {seller}",
    mode: "Modo",
    test_mode: "MODO DE PRUEBA",
    no_real_money: "sin dinero real",
    processed_by_stripe: "Stripe procesa los pagos. Los datos de la tarjeta nunca llegan a este \
                          servidor.",
    notices: Notices {
        gone: "Este enlace de pago ya no es válido",
        gone_why: "Fue sustituido por uno más reciente o ha caducado. Aquí no se puede pagar \
                   nada.",
        gone_ask: "Busque un mensaje más reciente de {seller} o pida un enlace nuevo.",
        gone_write: "Busque un mensaje más reciente de {seller} o pida un enlace nuevo: {email}.",
        nothing: "Esta página no existe",
        nothing_why: "La dirección está incompleta o mal escrita. Abra de nuevo el enlace de su \
                      factura o cópielo entero.",
        busy: "Demasiadas solicitudes",
        busy_why: "Se han probado demasiadas direcciones erróneas desde su red. Abra de nuevo el \
                   enlace de su factura dentro de un minuto.",
        trouble: "No se ha podido cargar esta página",
        trouble_why: "Algo ha fallado por nuestra parte. No se ha cobrado nada. Vuelva a cargarla \
                      en un momento.",
    },
    links: Links {
        forward: "Reenviar para su aprobación",
        forward_why: "Esa persona recibe por correo un enlace propio. El destinatario de la \
                      factura no cambia.",
        name: "Nombre",
        email: "Correo electrónico",
        forward_do: "Reenviar",
        forwarded: "Reenviada a",
        over: "enlace ya no válido",
        forwarded_by: "{by} le ha reenviado esta factura.",
        name_wrong: "Escriba un nombre: solo letras, 60 como máximo.",
        email_wrong: "Escriba una dirección de correo, por ejemplo ann@example.com.",
        too_many: "Esta factura se ha reenviado tantas veces como es posible. Pida al remitente \
                   que la envíe a otras personas.",
        wait: "La ha reenviado muchas veces en poco tiempo. Vuelva a intentarlo más tarde.",
        try_again: "La página se ha renovado entretanto. Envíelo otra vez.",
        fresh_why: "Podemos enviar un enlace nuevo a la dirección que {seller} tiene de usted.",
        fresh_send: "Enviar un enlace nuevo a {address}",
        fresh_sent: "Mire su correo",
        fresh_sent_why: "Un enlace nuevo va de camino a {address}. Si no llega en unos minutos, \
                         mire en la carpeta de correo no deseado antes de pedir otro.",
        revoked: "Este enlace de pago se ha retirado",
        revoked_why: "{seller} lo ha anulado. Con él ya no se puede ver ni pagar nada.",
        revoked_ask: "Si todavía lo necesita, pregunte a {seller}.",
        revoked_write: "Si todavía lo necesita, escriba a {seller}: {email}.",
    },
    panel: Panel {
        invoice: "Factura {number}",
        due: "Vence el {day}",
        see_billed: "Ver lo facturado",
        by_card: "Pagar con tarjeta",
        by_card_or_bank: "Pagar con tarjeta o desde una cuenta bancaria",
        loading: "Cargando el formulario de la tarjeta\u{2026}",
        pay: "Pagar {amount}",
        encrypted: "Cifrado y enviado directamente a Stripe.",
        script_needed: "Para pagar con tarjeta hace falta JavaScript. Permítalo en esta página y \
                        vuelva a cargarla.",
        continue_title: "Pago sin terminar",
        continue_why: "Su banco le ha pedido que confirme este pago y eso no se ha terminado. No \
                       se ha cargado nada en su tarjeta. Puede continuar donde lo dejó.",
        continue_pay: "Continuar el pago \u{b7} {amount}",
        other_card: "Pagar con otra tarjeta",
        in_progress: "Pago en curso",
        in_progress_why: "Se está procesando un pago de {amount}. No vuelva a pagar. Esta página \
                          muestra el resultado por sí sola, normalmente en menos de un minuto.",
        paid: "Pagada",
        paid_thanks: "Gracias. {seller} ha recibido su pago y no queda nada por pagar de esta \
                      factura.",
        refunded: "Reembolsada",
        given_back_why: "{seller} ha recibido {amount} y ha devuelto {back}. No queda nada por \
                         pagar de esta factura.",
        settled: "Saldada",
        by_bank: "Devuelto por su banco",
        by_bank_why: "{seller} ha recibido {amount} y su banco le ha devuelto {returned}. No queda \
                      nada por pagar de esta factura.",
        given_back_and_by_bank_why: "{seller} ha recibido {amount} y ha devuelto {back}, y su \
                                     banco le ha devuelto {returned}. No queda nada por pagar de \
                                     esta factura.",
        by_credit: "Saldada con crédito",
        by_credit_why: "{seller} ha saldado esta factura con un crédito. No queda nada por pagar.",
        given_back: "Devuelto",
        credited: "Abonado",
        date: "Fecha",
        method: "Medio de pago",
        print: "Imprimir para sus archivos",
        void: "Factura anulada",
        void_why: "{seller} ha anulado esta factura. No se debe nada y no se puede pagar.",
        unavailable: "El pago en línea no está disponible",
        unavailable_why: "{seller} no puede aceptar pagos con tarjeta en este momento. No se ha \
                          cobrado nada. Vuelva más tarde o pregunte por otra forma de pagar.",
        silent: "No disponible por el momento",
        silent_why: "El pago con tarjeta no está disponible por el momento. No se ha cobrado \
                     nada. Inténtelo de nuevo en unos minutos: esta página vuelve a mostrar el \
                     formulario por sí sola.",
        too_small: "Importe demasiado pequeño para una tarjeta",
        too_small_why: "Quedan {amount} por pagar. Es menos de lo que se puede cobrar con una \
                        tarjeta, que son {least}. Pregunte a {seller} cómo saldarlo.",
        questions_write: "¿Preguntas? Escriba a {email}.",
        questions_ask: "¿Preguntas? Diríjase a {seller}.",
    },
    choice: Choice {
        title: "¿Qué desea pagar?",
        one_other: "Tiene otra factura pendiente. Márquela para pagarla junto con esta.",
        others: "Tiene otras {count} facturas pendientes. Marque las que desee pagar junto con \
                 esta.",
        all: "Pagar todo",
        part: "Pagar una parte",
        amount_in: "Importe en {currency}",
        at_least: "Como mínimo {amount}.",
    },
    paper: Paper {
        lines: "Lo que se factura",
        plus_tax: "{product}, más {rate} de impuesto",
        paid_so_far: "Pagado hasta ahora",
        stamp_paid: "Pagada",
        stamp_settled: "Saldada",
        stamp_void: "Anulada",
        invoice_file: "Descargar la factura (PDF)",
        receipt_file: "Descargar el recibo (PDF), {day}, {amount}",
        receipt_file_undated: "Descargar el recibo (PDF), {amount}",
    },
    script: Script {
        pay: "Pagar",
        pay_amount: "Pagar {amount}",
        not_an_amount: "Escriba un importe, por ejemplo {amount}.",
        too_much: "Es más de lo que se debe: {amount}.",
        processing: "Procesando\u{2026}",
        waiting_for_bank: "Esperando a su banco\u{2026}",
        checking: "Comprobando\u{2026}",
        checking_why: "Estamos comprobando si su pago se ha realizado. No vuelva a pagar.",
        not_found: "No hemos encontrado ningún pago, así que no se ha cobrado nada. Puede \
                    intentarlo de nuevo.",
        not_sent: "El formulario de la tarjeta no ha respondido, así que no se ha enviado nada. \
                   Inténtelo de nuevo.",
        not_confirmed: "La comprobación de su banco no se ha terminado, así que no se ha cargado \
                        nada en su tarjeta. Inténtelo de nuevo.",
        part_received: "Gracias, hemos recibido su pago. Esto es lo que queda por pagar.",
        due_changed: "El importe pendiente ha cambiado. Compruébelo antes de pagar.",
        not_completed: "El pago no se ha completado. Inténtelo de nuevo o use otra tarjeta.",
        no_form: "No se ha podido cargar el formulario de la tarjeta. Compruebe su conexión o su \
                  bloqueador de anuncios.",
        link_gone: "Este enlace de pago ya no es válido. Vuelva a cargar la página para ver por \
                    qué.",
        try_again: "Intentar de nuevo",
        load_again: "Volver a cargar la página",
    },
    refusals: Refusals {
        amount_too_small: "Pague como mínimo {least}.",
        amount_too_large: "Es más de lo que se puede pagar de una vez.",
        invoice_draft: "Esta factura todavía no se puede pagar.",
        invoice_paid: "Esta factura ya está pagada.",
        invoice_void: "Esta factura fue anulada.",
        payment_in_progress: "Se está procesando un pago de esta factura. Espere su resultado.",
        amount_changed: "El importe pendiente ha cambiado. Vuelva a cargar la página y \
                         compruébelo.",
        part_too_small: "Pague como mínimo {least}.",
        rest_too_small: "Pague todo, es decir, {all}, o como máximo {most}, para que el resto se \
                         pueda pagar más tarde.",
        invoices_changed: "Una de estas facturas ya no se puede pagar. Vuelva a cargar la página \
                           y compruébelas.",
        link_expired: "Este enlace ya no es válido. Pida uno nuevo al remitente de la factura.",
        link_revoked: "Este enlace se ha retirado. Pida otro al remitente de la factura.",
        payments_unavailable: "El remitente de esta factura no puede aceptar pagos en línea en \
                               este momento.",
        confirmation_token_refused: "Los datos de la tarjeta ya se usaron o han caducado. \
                                     Escríbalos de nuevo; no se ha cobrado nada.",
        payment_refused: "No se ha podido iniciar el pago. No se ha cobrado nada. Pregunte al \
                          remitente de la factura por otra forma de pagar.",
        page_token_required: "El pago no viene de la página de esta factura. Vuelva a cargar la \
                              página; no se ha cobrado nada.",
        page_expired: "La página tiene más de media hora. Vuelva a cargarla y pague entonces; no \
                       se ha cobrado nada.",
        too_soon: "Eso ha sido más rápido de lo que nadie lee una factura. Inténtelo de nuevo \
                   en {wait}; no se ha cobrado nada.",
        challenge_required: "En este momento los pagos se comprueban con más detalle. Vuelva a \
                             cargar la página y pague entonces; no se ha cobrado nada.",
        too_many_attempts: "Se han intentado demasiados pagos sin éxito. Inténtelo de nuevo en \
                            {wait} o pregunte al remitente de la factura por otra forma de pagar. \
                            No se ha cobrado nada.",
        rate_limited: "Demasiadas solicitudes. Inténtelo de nuevo en {wait}.",
        temporarily_unavailable: "El pago con tarjeta no está disponible por el momento. No se ha \
                                  cobrado nada. Inténtelo de nuevo en unos minutos.",
    },
    declines: Declines {
        declined: "Su tarjeta ha sido rechazada. Pruebe con otra tarjeta o pregunte a su banco.",
        declined_by_bank: "Su banco ha rechazado el pago sin dar un motivo. Pregúntele o use otra \
                           tarjeta.",
        insufficient_funds: "La tarjeta no tiene fondos suficientes para este pago. Use otra \
                             tarjeta.",
        card_limit: "La tarjeta ha alcanzado su límite por ahora. Use otra tarjeta o inténtelo \
                     más tarde.",
        expired_card: "La tarjeta ha caducado. Use otra tarjeta.",
        card_number: "El número de la tarjeta no es correcto. Compruébelo e inténtelo de nuevo.",
        expiry_date: "La fecha de caducidad no es correcta. Compruébela e inténtelo de nuevo.",
        security_code: "El código de seguridad no es correcto. Compruébelo e inténtelo de \
                        nuevo.",
        address: "El código postal o la dirección no corresponde a la tarjeta. Compruébelo e \
                  inténtelo de nuevo.",
        not_confirmed: "Su banco no ha podido confirmar que es usted. Inténtelo de nuevo y \
                        termine su comprobación, o use otra tarjeta.",
        bank_silent: "Su banco no ha respondido a tiempo. Inténtelo de nuevo en un momento o use \
                      otra tarjeta.",
        card_kind: "Esta tarjeta no sirve para este pago. Use otra tarjeta.",
        repeated: "Su banco toma este pago por uno repetido. Espere unos minutos o use otra \
                   tarjeta.",
        test_card: "Esta es una tarjeta de prueba; esta página solo acepta pagos reales. Use una \
                    tarjeta real.",
        test_cards_only: "Esta página solo acepta tarjetas de prueba y no dinero real. Use una \
                          tarjeta de prueba.",
    },
};
