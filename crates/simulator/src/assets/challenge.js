// The bank's page: tells the simulator what the payer did, then the page around that it is over.
'use strict';

const buttons = {
  complete: document.getElementById('test-source-authorize-3ds'),
  fail: document.getElementById('test-source-fail-3ds'),
};
// In the language that the page around it gave to Stripe.js, else in the browser's.
const languages = {
  de: {
    title: '3D Secure — Testbank', complete: 'Bestätigen', fail: 'Ablehnen', close: 'Schließen, ohne zu antworten',
    text: 'Ihre Bank will sicher sein, dass Sie es sind, der zahlt. Dies ist eine simulierte Bank: sagen Sie, was der '
      + 'Zahlende tut.',
    unreachable: 'Die Bank war nicht zu erreichen. Bitte versuchen Sie es noch einmal.',
  },
  fr: {
    title: '3D Secure — banque de test', complete: 'Confirmer', fail: 'Refuser', close: 'Fermer sans répondre',
    text: 'Votre banque veut s’assurer que c’est bien vous qui payez. Ceci est une banque simulée : dites ce que fait '
      + 'le payeur.',
    unreachable: 'La banque est injoignable. Veuillez réessayer.',
  },
  es: {
    title: '3D Secure — banco de prueba', complete: 'Confirmar', fail: 'Rechazar', close: 'Cerrar sin responder',
    text: 'Su banco quiere asegurarse de que es usted quien paga. Este es un banco simulado: diga qué hace quien paga.',
    unreachable: 'No se ha podido contactar con el banco. Inténtelo de nuevo.',
  },
};
let unreachable = 'The bank could not be reached. Please try again.';
let parentOrigin;
let clientSecret;

function tell(psapay, body) { window.parent.postMessage({ psapay, body }, parentOrigin); }

async function answer(outcome) {
  for (const button of Object.values(buttons)) button.disabled = true;
  const place = document.getElementById('error');
  try {
    const body = new URLSearchParams({ client_secret: clientSecret, outcome });
    const answered = await fetch('/frame/challenge', { method: 'POST', body });
    // An intent that waits no longer was answered elsewhere: that is over, too.
    if (answered.ok || answered.status === 400) return tell('done');
    place.textContent = unreachable;
  } catch {
    place.textContent = unreachable;
  }
  place.hidden = false;
  for (const button of Object.values(buttons)) button.disabled = false;
}

function speak(locale) {
  const primary = String(locale).split('-')[0].toLowerCase();
  const words = Object.hasOwn(languages, primary) ? languages[primary] : undefined;
  if (!words) return;
  document.documentElement.lang = primary;
  for (const id of ['title', 'heading']) document.getElementById(id).textContent = words.title;
  document.getElementById('text').textContent = words.text;
  buttons.complete.textContent = words.complete;
  buttons.fail.textContent = words.fail;
  document.getElementById('close').setAttribute('aria-label', words.close);
  unreachable = words.unreachable;
}

window.addEventListener('message', (event) => {
  if (event.source !== window.parent || (parentOrigin && event.origin !== parentOrigin)) return;
  const { psapay, body } = event.data ?? {};
  if (psapay !== 'init' || parentOrigin) return;
  parentOrigin = event.origin;
  clientSecret = body.clientSecret;
  speak(body.locale && body.locale !== 'auto' ? body.locale : navigator.language);
  const dark = window.matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'night' : 'stripe';
  tell('ready');
  tell('height', { height: document.querySelector('main').scrollHeight });
  buttons.complete.focus();
});
for (const [outcome, button] of Object.entries(buttons)) {
  button.addEventListener('click', () => { if (parentOrigin) answer(outcome); });
}
document.getElementById('close').addEventListener('click', () => { if (parentOrigin) tell('close'); });
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && parentOrigin) tell('close');
});
window.parent.postMessage({ psapay: 'loaded' }, '*');
