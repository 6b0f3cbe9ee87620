// Makes the calls of the page around it, with the publishable key and only to the routes a browser may use.
'use strict';

const ALLOWED = /^\/v1\/payment_intents\/pi_[A-Za-z0-9]+(\/confirm)?$/;
let parentOrigin;
let settings = {};

async function call({ method, path, form }) {
  if (!ALLOWED.test(path)) return { error: { type: 'invalid_request_error', message: 'No such call.' } };
  const headers = { Authorization: `Bearer ${settings.key}` };
  if (settings.account) headers['Stripe-Account'] = settings.account;
  const body = new URLSearchParams(form);
  try {
    const answer = method === 'GET'
      ? await fetch(`${path}?${body}`, { headers })
      : await fetch(path, { method: 'POST', headers, body });
    return await answer.json();
  } catch {
    const message = 'We could not reach Stripe. Please try again.';
    return { error: { type: 'api_connection_error', message } };
  }
}

window.addEventListener('message', async (event) => {
  if (event.source !== window.parent || (parentOrigin && event.origin !== parentOrigin)) return;
  const { psapay, body, answer } = event.data ?? {};
  if (psapay === 'init' && !parentOrigin) {
    parentOrigin = event.origin;
    settings = body;
    window.parent.postMessage({ psapay: 'ready' }, parentOrigin);
  } else if (psapay === 'call' && parentOrigin) {
    window.parent.postMessage({ psapay: 'answer', body: await call(body), answer }, parentOrigin);
  }
});
window.parent.postMessage({ psapay: 'loaded' }, '*');
