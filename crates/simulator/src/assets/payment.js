// The card's fields. What is typed here goes to the simulator only; the page around gets a token or an error.
'use strict';

const fields = { number: byId('number'), expiry: byId('expiry'), cvc: byId('cvc'), postal: byId('postal') };
let parentOrigin;
let settings = {};
let lastChange = '';

// What is said here, in the languages of the pages that are tried with it; English for all others.
const languages = {
  en: {
    number: 'Card number', expiry: 'Expiration date', cvc: 'Security code', postal: 'Postal code',
    optional: '(optional)', months: 'MM / YY',
    incomplete_number: 'Your card number is incomplete.', incorrect_number: 'Your card number is invalid.',
    incomplete_expiry: "Your card's expiration date is incomplete.",
    invalid_expiry_month: "Your card's expiration date is invalid.",
    invalid_expiry_year_past: "Your card's expiration year is in the past.",
    invalid_expiry_month_past: "Your card's expiration date is in the past.",
    invalid_expiry_year: "Your card's expiration year is invalid.",
    incomplete_cvc: "Your card's security code is incomplete.",
    unreachable: 'We could not reach Stripe. Please try again.',
    live: 'Simulated bank: the card 4000 0099 0000 0004 pays, no other does.',
    test: 'Simulated bank: use a test card such as 4242 4242 4242 4242, never a real one.',
  },
  de: {
    number: 'Kartennummer', expiry: 'Ablaufdatum', cvc: 'Sicherheitscode', postal: 'Postleitzahl',
    optional: '(freiwillig)', months: 'MM / JJ',
    incomplete_number: 'Ihre Kartennummer ist unvollständig.',
    incorrect_number: 'Ihre Kartennummer ist ungültig.',
    incomplete_expiry: 'Das Ablaufdatum Ihrer Karte ist unvollständig.',
    invalid_expiry_month: 'Das Ablaufdatum Ihrer Karte ist ungültig.',
    invalid_expiry_year_past: 'Das Ablaufdatum Ihrer Karte liegt in der Vergangenheit.',
    invalid_expiry_month_past: 'Das Ablaufdatum Ihrer Karte liegt in der Vergangenheit.',
    invalid_expiry_year: 'Das Ablaufdatum Ihrer Karte ist ungültig.',
    incomplete_cvc: 'Der Sicherheitscode Ihrer Karte ist unvollständig.',
    unreachable: 'Stripe war nicht zu erreichen. Bitte versuchen Sie es noch einmal.',
    live: 'Simulierte Bank: Die Karte 4000 0099 0000 0004 zahlt, keine andere.',
    test: 'Simulierte Bank: Nehmen Sie eine Testkarte wie 4242 4242 4242 4242, nie eine echte.',
  },
  fr: {
    number: 'Numéro de carte', expiry: "Date d'expiration", cvc: 'Code de sécurité', postal: 'Code postal',
    optional: '(facultatif)', months: 'MM / AA',
    incomplete_number: 'Votre numéro de carte est incomplet.',
    incorrect_number: "Votre numéro de carte n'est pas valide.",
    incomplete_expiry: "La date d'expiration de votre carte est incomplète.",
    invalid_expiry_month: "La date d'expiration de votre carte n'est pas valide.",
    invalid_expiry_year_past: "La date d'expiration de votre carte est passée.",
    invalid_expiry_month_past: "La date d'expiration de votre carte est passée.",
    invalid_expiry_year: "La date d'expiration de votre carte n'est pas valide.",
    incomplete_cvc: 'Le code de sécurité de votre carte est incomplet.',
    unreachable: "Stripe n'a pas pu être joint. Veuillez réessayer.",
    live: 'Banque simulée : la carte 4000 0099 0000 0004 paie, aucune autre.',
    test: 'Banque simulée : prenez une carte de test telle que 4242 4242 4242 4242, jamais une vraie.',
  },
  es: {
    number: 'Número de tarjeta', expiry: 'Fecha de caducidad', cvc: 'Código de seguridad',
    postal: 'Código postal', optional: '(opcional)', months: 'MM / AA',
    incomplete_number: 'El número de su tarjeta está incompleto.',
    incorrect_number: 'El número de su tarjeta no es válido.',
    incomplete_expiry: 'La fecha de caducidad de su tarjeta está incompleta.',
    invalid_expiry_month: 'La fecha de caducidad de su tarjeta no es válida.',
    invalid_expiry_year_past: 'La fecha de caducidad de su tarjeta ya ha pasado.',
    invalid_expiry_month_past: 'La fecha de caducidad de su tarjeta ya ha pasado.',
    invalid_expiry_year: 'La fecha de caducidad de su tarjeta no es válida.',
    incomplete_cvc: 'El código de seguridad de su tarjeta está incompleto.',
    unreachable: 'No se ha podido contactar con Stripe. Inténtelo de nuevo.',
    live: 'Banco simulado: la tarjeta 4000 0099 0000 0004 paga, ninguna otra.',
    test: 'Banco simulado: use una tarjeta de prueba como 4242 4242 4242 4242, nunca una real.',
  },
};

function language() {
  const wanted = settings.locale && settings.locale !== 'auto' ? settings.locale : navigator.language;
  const primary = String(wanted).split('-')[0].toLowerCase();
  return Object.hasOwn(languages, primary) ? primary : 'en';
}

function word(name) { return languages[language()][name]; }
function flaw(code) { return [code, word(code)]; }

function byId(id) { return document.getElementById(id); }
function digits(text) { return text.replace(/\D/g, ''); }
function tell(psapay, body, answer) { window.parent.postMessage({ psapay, body, answer }, parentOrigin); }

// What each field holds, and what is wrong with it.

function brand(number) {
  const patterns = [
    ['amex', /^3[47]/], ['jcb', /^35/], ['diners', /^3[068]/], ['visa', /^4/], ['unionpay', /^62/],
    ['discover', /^6/], ['mastercard', /^(5|2[2-7])/],
  ];
  return patterns.find(([, pattern]) => pattern.test(number))?.[0] ?? '';
}

function luhn(number) {
  let sum = 0;
  [...number].reverse().forEach((digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return sum % 10 === 0;
}

function expiry() {
  const [month = '', year = ''] = fields.expiry.value.split('/').map((part) => digits(part));
  const whole = month.length > 0 && (year.length === 2 || year.length === 4);
  return { month: Number(month), year: Number(year.length === 2 ? `20${year}` : year), whole };
}

const faults = {
  number() {
    const number = digits(fields.number.value);
    const length = { amex: 15, diners: 14 }[brand(number)] ?? 16;
    if (number.length < length) return flaw('incomplete_number');
    if (!luhn(number)) return flaw('incorrect_number');
  },
  expiry() {
    const { month, year, whole } = expiry();
    if (!whole) return flaw('incomplete_expiry');
    if (month < 1 || month > 12) return flaw('invalid_expiry_month');
    const today = new Date();
    const thisYear = today.getFullYear();
    if (year < thisYear) return flaw('invalid_expiry_year_past');
    if (year === thisYear && month < today.getMonth() + 1) {
      return flaw('invalid_expiry_month_past');
    }
    if (year > thisYear + 49) return flaw('invalid_expiry_year');
  },
  cvc() {
    const length = brand(digits(fields.number.value)) === 'amex' ? 4 : 3;
    if (digits(fields.cvc.value).length < length) {
      return flaw('incomplete_cvc');
    }
  },
  postal() {},
};

function show(name) {
  const fault = faults[name]();
  const place = byId(`${name}-error`);
  if (!place) return;
  fields[name].setAttribute('aria-invalid', String(Boolean(fault)));
  place.textContent = fault?.[1] ?? '';
  place.hidden = !fault;
  resize();
}

function hide(name) {
  const place = byId(`${name}-error`);
  if (!place) return;
  fields[name].removeAttribute('aria-invalid');
  place.hidden = true;
  resize();
}

function validate() {
  for (const name of Object.keys(fields)) show(name);
  const wrong = Object.keys(fields).find((name) => faults[name]());
  if (!wrong) return { selectedPaymentMethod: 'card' };
  fields[wrong].focus();
  const [code, message] = faults[wrong]();
  return { error: { type: 'validation_error', code, message } };
}

// Masks, which keep the caret behind the digits that were before it.

function mask(field, format) {
  const before = digits(field.value.slice(0, field.selectionStart)).length;
  field.value = format(digits(field.value), field.value);
  let at = 0;
  for (let seen = 0; at < field.value.length && seen < before; at += 1) {
    if (/\d/.test(field.value[at])) seen += 1;
  }
  if (before === digits(field.value).length) at = field.value.length;
  field.setSelectionRange(at, at);
}

function grouped(number) {
  const kind = brand(number);
  if (kind === 'amex' || kind === 'diners') {
    return [number.slice(0, 4), number.slice(4, 10), number.slice(10, 15)].filter(Boolean).join(' ');
  }
  return number.slice(0, 19).match(/.{1,4}/g)?.join(' ') ?? '';
}

function dated(number, raw) {
  let text = number.slice(0, 6);
  if (/^[2-9]/.test(text) || /^\d\s*\/$/.test(raw.trim())) text = `0${text}`;
  const split = text.length > 2 || (text.length === 2 && /\/\s*$/.test(raw));
  return split ? `${text.slice(0, 2)} / ${text.slice(2, 6)}` : text;
}

function typed(event) {
  const name = event.target.name;
  if (name === 'number') {
    mask(fields.number, grouped);
    byId('brand').textContent = brand(digits(fields.number.value));
  }
  // Typing backwards over the slash must not put it back.
  if (name === 'expiry' && !event.inputType?.startsWith('delete')) mask(fields.expiry, dated);
  if (name === 'cvc') mask(fields.cvc, (number) => number.slice(0, 4));
  if (!faults[name]()) hide(name);
  changed();
}

function changed() {
  const empty = Object.values(fields).every((field) => field.value === '');
  const complete = Object.keys(fields).every((name) => !faults[name]());
  const change = { empty, complete, value: { type: 'card' } };
  if (JSON.stringify(change) === lastChange) return;
  lastChange = JSON.stringify(change);
  tell('change', change);
}

// Calls to the simulator.

async function call(path, form) {
  const headers = { Authorization: `Bearer ${settings.key}` };
  if (settings.account) headers['Stripe-Account'] = settings.account;
  try {
    const answer = await fetch(path, { method: 'POST', headers, body: new URLSearchParams(form) });
    return await answer.json();
  } catch {
    return { error: { type: 'api_connection_error', message: word('unreachable') } };
  }
}

function cardForm(params) {
  const { month, year } = expiry();
  const form = {
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': digits(fields.number.value),
    'payment_method_data[card][exp_month]': String(month),
    'payment_method_data[card][exp_year]': String(year),
    'payment_method_data[card][cvc]': digits(fields.cvc.value),
  };
  const given = params.payment_method_data?.billing_details;
  const billing = { ...settings.defaultValues?.billingDetails, ...given };
  const postal = fields.postal.value.trim();
  if (postal) billing.address = { ...billing.address, postal_code: postal };
  flatten(form, 'payment_method_data[billing_details]', billing);
  if (params.return_url) form.return_url = String(params.return_url);
  if (params.shipping) flatten(form, 'shipping', params.shipping);
  return form;
}

function flatten(form, prefix, value) {
  for (const [key, inner] of Object.entries(value)) {
    if (inner && typeof inner === 'object') flatten(form, `${prefix}[${key}]`, inner);
    else if (inner !== null && inner !== undefined && inner !== '') form[`${prefix}[${key}]`] = String(inner);
  }
}

// An error of the bank or of the card's data is shown beside the field it is about.
function point(answer) {
  const name = {
    incorrect_number: 'number', incorrect_cvc: 'cvc', invalid_cvc: 'cvc', expired_card: 'expiry',
    invalid_expiry_month: 'expiry', invalid_expiry_year: 'expiry',
  }[answer.error?.code];
  if (!name) return;
  fields[name].setAttribute('aria-invalid', 'true');
  const place = byId(`${name}-error`);
  place.textContent = answer.error.message;
  place.hidden = false;
  resize();
}

const asked = {
  validate: async () => validate(),
  token: async ({ params, setupFutureUsage }) => {
    const checked = validate();
    if (checked.error) return checked;
    const form = cardForm(params);
    if (setupFutureUsage) form.setup_future_usage = setupFutureUsage;
    const answer = await call('/v1/confirmation_tokens', form);
    point(answer);
    return answer;
  },
  confirm: async ({ id, clientSecret, params }) => {
    const form = { ...cardForm(params), client_secret: clientSecret, use_stripe_sdk: 'true' };
    const answer = await call(`/v1/payment_intents/${id}/confirm`, form);
    point(answer);
    return answer;
  },
  update: async (body) => {
    settings = body;
    dress();
    return {};
  },
};

// The look.

function dress() {
  const { theme, variables = {} } = settings.appearance ?? {};
  const dark = theme ? theme === 'night' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  const root = document.documentElement;
  root.dataset.theme = dark ? 'night' : 'stripe';
  const names = {
    colorPrimary: '--primary', colorBackground: '--background', colorText: '--text',
    colorTextSecondary: '--muted', colorDanger: '--danger', borderRadius: '--radius',
    fontFamily: '--font', fontSizeBase: '--size',
  };
  for (const [name, property] of Object.entries(names)) {
    const value = variables[name];
    if (typeof value === 'string' && value.length < 200) root.style.setProperty(property, value);
    else root.style.removeProperty(property);
  }
  const live = String(settings.key).startsWith('pk_live_');
  byId('note').textContent = word(live ? 'live' : 'test');
  root.lang = language();
  for (const name of Object.keys(fields)) {
    document.querySelector(`label[for=${name}]`).firstChild.data = word(name);
  }
  document.querySelector('.optional').textContent = word('optional');
  document.querySelector('label[for=postal]').firstChild.data += ' ';
  fields.expiry.placeholder = word('months');
  for (const field of Object.values(fields)) field.readOnly = Boolean(settings.readOnly);
  resize();
}

function resize() {
  const { height } = document.querySelector('form').getBoundingClientRect();
  // The body's padding leaves room for the focus ring.
  if (parentOrigin) tell('height', { height: height + 6 });
}

window.addEventListener('message', async (event) => {
  if (event.source !== window.parent || (parentOrigin && event.origin !== parentOrigin)) return;
  const { psapay, body, answer } = event.data ?? {};
  if (psapay === 'init' && !parentOrigin) {
    parentOrigin = event.origin;
    settings = body;
    fields.postal.value = settings.defaultValues?.billingDetails?.address?.postal_code ?? '';
    dress();
    tell('ready');
  } else if (!parentOrigin) return;
  else if (psapay === 'focus') fields.number.focus();
  else if (psapay === 'blur') document.activeElement?.blur();
  else if (psapay === 'clear') document.querySelector('form').reset();
  else if (asked[psapay]) tell('answer', await asked[psapay](body ?? {}), answer);
});

for (const [name, field] of Object.entries(fields)) {
  field.addEventListener('input', typed);
  field.addEventListener('focus', () => { if (parentOrigin) tell('focus'); });
  field.addEventListener('blur', () => {
    if (field.value) show(name);
    if (parentOrigin) tell('blur');
  });
}
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && parentOrigin) tell('escape');
});
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', dress);
new ResizeObserver(resize).observe(document.querySelector('form'));
// Nothing is known of the page around yet; this says only that the frame is there.
window.parent.postMessage({ psapay: 'loaded' }, '*');
