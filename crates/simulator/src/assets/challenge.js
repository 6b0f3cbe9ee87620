// The bank's page: tells the simulator what the payer did, then the page around that it is over.
'use strict';

const buttons = {
  complete: document.getElementById('test-source-authorize-3ds'),
  fail: document.getElementById('test-source-fail-3ds'),
};
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
    place.textContent = 'The bank could not be reached. Please try again.';
  } catch {
    place.textContent = 'The bank could not be reached. Please try again.';
  }
  place.hidden = false;
  for (const button of Object.values(buttons)) button.disabled = false;
}

window.addEventListener('message', (event) => {
  if (event.source !== window.parent || (parentOrigin && event.origin !== parentOrigin)) return;
  const { psapay, body } = event.data ?? {};
  if (psapay !== 'init' || parentOrigin) return;
  parentOrigin = event.origin;
  clientSecret = body.clientSecret;
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
