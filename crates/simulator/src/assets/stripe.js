// The simulator's Stripe.js: the surface of the real one as far as a card payment needs it. The page holds no
// card number: the fields are in a frame of the simulator, and every call to its API is made inside a frame.
(() => {
  'use strict';

  const ORIGIN = new URL(document.currentScript.src).origin;
  const CONTROLLER_TIMEOUT_MS = 20000;
  const NOT_AUTHENTICATED = 'We are unable to authenticate your payment method. '
    + 'Please choose a different payment method and try again.';
  let frames = 0;

  // A frame of the simulator and the messages to and from it. Messages count only when they come from the
  // simulator's origin and from this very window.
  class Frame {
    constructor(name, path, title) {
      this.element = document.createElement('iframe');
      this.element.name = name;
      this.element.title = title;
      this.element.src = `${ORIGIN}${path}`;
      this.element.setAttribute('frameborder', '0');
      this.element.setAttribute('allowtransparency', 'true');
      this.channel = `${name}-${++frames}`;
      this.answers = new Map();
      this.asked = 0;
      this.handlers = {};
      this.ready = new Promise((resolve) => { this.isReady = resolve; });
      this.listener = (event) => this.receive(event);
      window.addEventListener('message', this.listener);
    }

    receive(event) {
      if (event.origin !== ORIGIN || event.source !== this.element.contentWindow) return;
      const { psapay, answer, body } = event.data ?? {};
      if (psapay === 'loaded') this.send('init', this.init ?? {});
      else if (psapay === 'ready') this.isReady();
      else if (psapay === 'answer') {
        this.answers.get(answer)?.(body);
        this.answers.delete(answer);
      } else if (typeof psapay === 'string') this.handlers[psapay]?.(body);
    }

    send(psapay, body, answer) {
      this.element.contentWindow?.postMessage({ psapay, body, answer }, ORIGIN);
    }

    async ask(what, body) {
      await this.ready;
      const answer = ++this.asked;
      const answered = new Promise((resolve) => this.answers.set(answer, resolve));
      this.send(what, body, answer);
      return answered;
    }

    grow({ height }) { this.element.setAttribute('height', String(Math.ceil(Number(height) || 0))); }

    remove() {
      window.removeEventListener('message', this.listener);
      this.element.remove();
    }
  }

  const failure = (type, code, message, more) => ({ error: { type, code, message, ...more } });
  const integration = (message) => Object.assign(new Error(message), { name: 'IntegrationError' });

  class Emitter {
    constructor() { this.listeners = {}; }
    on(event, handler) { (this.listeners[event] ??= []).push(handler); return this; }
    once(event, handler) {
      const once = (payload) => { this.off(event, once); handler(payload); };
      return this.on(event, once);
    }
    off(event, handler) {
      this.listeners[event] = handler ? (this.listeners[event] ?? []).filter((one) => one !== handler) : [];
      return this;
    }
    emit(event, payload) { for (const handler of [...(this.listeners[event] ?? [])]) handler(payload); }
  }

  // The Payment Element: one frame with the card's fields.
  class PaymentElement extends Emitter {
    constructor(elements, options) {
      super();
      this.elements = elements;
      this.options = options ?? {};
      this.destroyed = false;
    }

    mount(place) {
      if (this.destroyed) throw integration('This Element has already been destroyed. Create a new one.');
      const host = typeof place === 'string' ? document.querySelector(place) : place;
      if (!host) throw integration(`The selector (${place}) applies to no element of the page.`);
      this.unmount();
      const frame = new Frame('psapay-sim-payment', '/frame/payment', 'Secure payment input frame');
      frame.element.setAttribute('width', '100%');
      frame.element.setAttribute('height', '230');
      frame.element.style.setProperty('display', 'block');
      frame.element.style.setProperty('color-scheme', 'light only');
      frame.init = this.settings();
      frame.handlers.height = (body) => frame.grow(body);
      frame.handlers.change = (body) => {
        this.emit('change', { elementType: 'payment', collapsed: false, ...body });
      };
      frame.handlers.focus = () => this.emit('focus', { elementType: 'payment' });
      frame.handlers.blur = () => this.emit('blur', { elementType: 'payment' });
      frame.handlers.escape = () => this.emit('escape', { elementType: 'payment' });
      frame.handlers.loaderror = (body) => this.emit('loaderror', { elementType: 'payment', ...body });
      frame.ready.then(() => { if (this.frame === frame) this.emit('ready', { elementType: 'payment' }); });
      this.frame = frame;
      host.replaceChildren(frame.element);
    }

    settings() {
      const { stripe, options } = this.elements;
      return {
        key: stripe.key, account: stripe.account, locale: stripe.locale, appearance: options.appearance ?? {},
        clientSecret: options.clientSecret, defaultValues: this.options.defaultValues ?? {},
        readOnly: Boolean(this.options.readOnly),
      };
    }

    update(options) {
      Object.assign(this.options, options);
      this.frame?.ask('update', this.settings());
    }

    focus() {
      this.frame?.ready.then(() => {
        this.frame?.element.contentWindow?.focus();
        this.frame?.send('focus');
      });
    }

    blur() { this.frame?.send('blur'); }
    clear() { this.frame?.send('clear'); }
    collapse() {}

    unmount() {
      this.frame?.remove();
      this.frame = undefined;
    }

    destroy() {
      this.unmount();
      this.destroyed = true;
      this.elements.element = undefined;
    }
  }

  class Elements {
    constructor(stripe, options) {
      this.stripe = stripe;
      this.options = { ...options };
      if (!this.options.clientSecret && !this.options.mode) {
        throw integration('elements(): pass a clientSecret, or a mode.');
      }
      const { mode, amount, currency } = this.options;
      if (mode === 'payment' && !(Number.isInteger(amount) && typeof currency === 'string')) {
        throw integration('elements(): with mode "payment" an integer amount and a currency are needed.');
      }
    }

    create(type, options) {
      if (type !== 'payment') throw integration(`The simulator has no ${type} Element.`);
      if (this.element) throw integration('Can only create one Element of type payment.');
      this.element = new PaymentElement(this, options);
      return this.element;
    }

    getElement(type) {
      const name = typeof type === 'string' ? type : type?.__elementType;
      return name === 'payment' || type === PaymentElement ? this.element ?? null : null;
    }

    update(options) {
      Object.assign(this.options, options);
      this.element?.update({});
    }

    async fetchUpdates() { return {}; }

    async submit() {
      if (!this.element?.frame) {
        const message = 'Please provide complete payment details.';
        return failure('validation_error', 'incomplete_payment_details', message);
      }
      const answer = await this.element.frame.ask('validate', {});
      this.submitted = !answer.error;
      return answer;
    }
  }

  class Stripe {
    constructor(key, options) {
      this.key = key;
      this.account = options.stripeAccount;
      this.locale = options.locale;
    }

    elements(options) { return new Elements(this, options ?? {}); }

    // A hidden frame that makes the calls for which there is no card to read.
    get controller() {
      if (!this.hidden) {
        this.hidden = new Frame('psapay-sim-controller', '/frame/controller', 'Secure payment frame');
        this.hidden.init = { key: this.key, account: this.account };
        this.hidden.element.hidden = true;
        this.hidden.element.setAttribute('aria-hidden', 'true');
        this.hidden.element.tabIndex = -1;
        (document.body ?? document.documentElement).append(this.hidden.element);
      }
      return this.hidden;
    }

    call(method, path, form) {
      const late = new Promise((resolve) => {
        const message = 'We could not reach Stripe. Please try again.';
        const give = () => resolve(failure('api_connection_error', undefined, message));
        setTimeout(give, CONTROLLER_TIMEOUT_MS);
      });
      return Promise.race([this.controller.ask('call', { method, path, form }), late]);
    }

    async retrievePaymentIntent(clientSecret) {
      const id = intentId(clientSecret);
      const answer = await this.call('GET', `/v1/payment_intents/${id}`, { client_secret: clientSecret });
      return answer.error ? answer : { paymentIntent: answer };
    }

    async createConfirmationToken({ elements, params } = {}) {
      const frame = elements?.element?.frame;
      if (!frame) throw integration('createConfirmationToken(): mount a Payment Element first.');
      if (!elements.submitted) {
        const message = 'elements.submit() must be called before stripe.createConfirmationToken().';
        return failure('validation_error', undefined, message);
      }
      const { setupFutureUsage } = elements.options;
      const token = await frame.ask('token', { params: params ?? {}, setupFutureUsage });
      return token.error ? token : { confirmationToken: token };
    }

    async confirmPayment({ elements, clientSecret, confirmParams, redirect } = {}) {
      const secret = clientSecret ?? elements?.options.clientSecret;
      const id = intentId(secret);
      if (redirect !== 'if_required' && !confirmParams?.return_url) {
        throw integration('confirmPayment(): confirmParams.return_url is needed.');
      }
      let answer;
      if (elements?.element?.frame) {
        const checked = await elements.submit();
        if (checked.error) return checked;
        const params = confirmParams ?? {};
        answer = await elements.element.frame.ask('confirm', { id, clientSecret: secret, params });
      } else {
        const form = { client_secret: secret, use_stripe_sdk: 'true' };
        for (const name of ['payment_method', 'confirmation_token', 'return_url']) {
          if (confirmParams?.[name]) form[name] = String(confirmParams[name]);
        }
        answer = await this.call('POST', `/v1/payment_intents/${id}/confirm`, form);
      }
      if (answer.error) return answer;
      const done = answer.status === 'requires_action' ? await this.act(answer) : { paymentIntent: answer };
      if (done.error || redirect === 'if_required') return done;
      const back = new URL(confirmParams.return_url);
      back.searchParams.set('payment_intent', id);
      back.searchParams.set('payment_intent_client_secret', secret);
      back.searchParams.set('redirect_status', done.paymentIntent.status);
      window.location.assign(back.href);
      return new Promise(() => {});
    }

    async handleNextAction({ clientSecret } = {}) {
      const found = await this.retrievePaymentIntent(clientSecret);
      if (found.error) return found;
      if (found.paymentIntent.status !== 'requires_action') {
        const message = 'handleNextAction: The PaymentIntent supplied is not in the requires_action state.';
        const intent = { payment_intent: found.paymentIntent };
        return failure('invalid_request_error', 'payment_intent_unexpected_state', message, intent);
      }
      return this.act(found.paymentIntent);
    }

    handleCardAction(clientSecret) { return this.handleNextAction({ clientSecret }); }

    // What the payer has to do: the bank's page in a dialog, or a journey to it.
    async act(intent) {
      if (intent.next_action?.type === 'redirect_to_url') {
        window.location.assign(intent.next_action.redirect_to_url.url);
        return new Promise(() => {});
      }
      const finished = await challenge(intent.client_secret, this.locale);
      const after = await this.retrievePaymentIntent(intent.client_secret);
      if (after.error) return after;
      if (!finished || after.paymentIntent.status === 'requires_action') {
        const message =
          'The authentication was not completed. You can try again, or choose a different payment method.';
        const intent = { payment_intent: after.paymentIntent };
        return failure('card_error', 'payment_intent_authentication_failure', message, intent);
      }
      const refused = after.paymentIntent.last_payment_error;
      if (after.paymentIntent.status === 'requires_payment_method' && refused) {
        const message = refused.code === 'payment_intent_authentication_failure'
          ? NOT_AUTHENTICATED
          : refused.message;
        return { error: { ...refused, message, payment_intent: after.paymentIntent } };
      }
      return { paymentIntent: after.paymentIntent };
    }
  }

  function intentId(clientSecret) {
    const id = /^(pi_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(clientSecret ?? '')?.[1];
    if (!id) throw integration('clientSecret: it should be the client secret of a PaymentIntent.');
    return id;
  }

  // The bank's page in a dialog over the page; true when the payer answered it, false when it was closed.
  function challenge(clientSecret, locale) {
    return new Promise((resolve) => {
      const dialog = document.createElement('dialog');
      dialog.setAttribute('aria-label', '3D Secure');
      const look = {
        border: '0', padding: '0', margin: 'auto', background: 'transparent', overflow: 'hidden',
        width: 'min(430px, calc(100vw - 24px))', 'max-width': 'none', 'max-height': 'none',
        'border-radius': '12px',
        'box-shadow': '0 18px 60px rgba(0, 0, 0, .45), 0 0 0 200vmax rgba(10, 14, 26, .55)',
      };
      for (const [name, value] of Object.entries(look)) dialog.style.setProperty(name, value);
      const frame = new Frame('psapay-sim-challenge', '/frame/challenge', '3D Secure, your bank asks');
      frame.init = { clientSecret, locale };
      frame.element.setAttribute('width', '100%');
      frame.element.setAttribute('height', '380');
      frame.element.style.setProperty('display', 'block');
      frame.element.style.setProperty('color-scheme', 'light only');
      const before = document.activeElement;
      const end = (answered) => {
        frame.remove();
        dialog.close();
        dialog.remove();
        before?.focus?.();
        resolve(answered);
      };
      frame.handlers.height = (body) => frame.grow(body);
      frame.handlers.done = () => end(true);
      frame.handlers.close = () => end(false);
      dialog.addEventListener('cancel', (event) => { event.preventDefault(); end(false); });
      dialog.append(frame.element);
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  const make = (key, options) => {
    if (typeof key !== 'string' || !/^pk_(test|live)_./.test(key)) {
      throw integration('Stripe(): the key should be a publishable one: pk_test_… or pk_live_….');
    }
    return new Stripe(key, options ?? {});
  };
  make.version = 'simulator';
  window.Stripe = make;
})();
