// The pay page's script: takes a card with Stripe.js, sends the confirmation token, and shows what the server
// found. It decides nothing about money. Silence is never called a failure: then it asks the server until
// that knows.
(function () {
  "use strict";

  // What is said, in the page's language.
  const words = sentences.all;

  const LOAD_LIMIT_MS = 20000;
  const ANSWER_LIMIT_MS = 60000;
  const POLL_SOON_MS = 2000;
  const POLL_LATER_MS = 10000;
  const POLL_SOON_FOR_MS = 60000;
  // After silence, this long and this many answers without a payment mean that our request never arrived.
  const GIVE_UP_MS = 15000;
  const GIVE_UP_ANSWERS = 3;

  // What Stripe says when the payer's own input is at fault; its other texts are for developers.
  const SAID_TO_PAYERS = ["validation_error", "card_error"];
  // Refusals that a fresh page token may lift: nothing has begun.
  const RENEWABLE = ["page_token_required", "page_expired", "too_soon", "challenge_required"];
  // Refusals that mean the panel on show is out of date.
  const OUTDATED = [
    "payment_in_progress",
    "invoice_paid",
    "invoice_void",
    "payments_unavailable",
    "temporarily_unavailable",
    "live_locked",
  ];

  // Refusals after which the page has to be read anew, and those that belong to the field of a part.
  const RELOAD = ["amount_changed", "invoices_changed", "link_expired", "link_revoked"];
  const PART_REFUSALS = ["part_too_small", "rest_too_small", "amount_too_small"];

  let panel = document.getElementById("panel");
  // The mounted card form: { form, stripe, elements, element }.
  let checkout = null;
  // From the press on a button to its outcome: one press sends once, and nothing is swapped meanwhile.
  let busy = false;
  // While an outcome is unknown: { since, answers }.
  let checking = null;
  // Whether the press under way has brought money: then it is no surprise that less is due.
  let received = false;
  let pollTimer = 0;
  let pollSoonUntil = performance.now() + POLL_SOON_FOR_MS;
  // Answers that a newer question has overtaken are dropped.
  let question = 0;

  document.addEventListener("submit", function (event) {
    if (event.target.id === "pay-form") {
      event.preventDefault();
      pay(event.target);
    }
  });
  document.addEventListener("change", function (event) {
    if (event.target.closest("#choice")) choose(event.target.form);
  });
  document.addEventListener("input", function (event) {
    if (event.target.id === "part-amount") choose(event.target.form);
  });
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "resume") resume();
    if (button.id === "other-card") openOtherCard(button);
    if (button.dataset.action === "print") window.print();
    if (button.dataset.action === "reload") window.location.reload();
    if (button.dataset.action === "load-form") mount(payForm());
  });
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) poll();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    if (checkout) checkout.elements.update({ appearance: appearance() });
  });

  start();

  function start() {
    const returned = new URLSearchParams(window.location.search).has("payment_intent");
    if (returned) {
      // Stripe puts a client secret into the address; the server knows the intent without it.
      window.history.replaceState(null, "", address());
    }
    openPanel();
    if (returned && payForm()) {
      attempt(async function () {
        await follow(await post(payForm().dataset.checkUrl, {}), false);
      });
    } else {
      schedulePoll();
    }
  }

  // This page, with the language that was chosen and nothing else of what the address carries.
  function address() {
    const language = new URLSearchParams(window.location.search).get("language");
    const chosen = language ? "?" + new URLSearchParams({ language }) : "";
    return window.location.pathname + chosen;
  }

  function payForm() {
    return document.getElementById("pay-form");
  }

  function openPanel() {
    checkout = null;
    const form = payForm();
    if (form) pageToken.take(form);
    if (form && !form.hidden) mount(form);
  }

  // ---- The card form

  async function mount(form) {
    let element = null;
    say("", "");
    setLoading(true);
    try {
      await loadStripe(form.dataset.scriptUrl);
      const stripe = connect(form);
      const elements = stripe.elements({
        mode: "payment",
        amount: choice.amount(form),
        currency: form.dataset.currency,
        allowedPaymentMethodTypes: form.dataset.methods.split(" "),
        appearance: appearance(),
        loader: "auto",
      });
      element = elements.create("payment", {
        layout: "tabs",
        defaultValues: { billingDetails: { email: form.dataset.billingEmail || undefined } },
      });
      await new Promise(function (resolve, reject) {
        element.on("ready", resolve);
        element.on("loaderror", reject);
        window.setTimeout(reject, LOAD_LIMIT_MS);
        element.mount("#payment-element");
      });
      if (form !== payForm()) return;
      checkout = { form, stripe, elements, element };
      // What was chosen meanwhile.
      elements.update({ amount: choice.amount(form) });
      element.on("change", function () {
        if (!busy && !checking) say("", "");
      });
      setLoading(false);
      renderButtons();
    } catch (error) {
      if (element) element.destroy();
      if (form !== payForm()) return;
      setLoading(false);
      say("bad", words.no_form, { label: words.try_again, action: "load-form" });
    }
  }

  function connect(form) {
    return window.Stripe(form.dataset.publishableKey, {
      stripeAccount: form.dataset.stripeAccount,
      locale: sentences.language,
    });
  }

  // Resolves when window.Stripe is there. Loaded by a script element so that a failure is seen and can be
  // repeated.
  function loadStripe(url) {
    return new Promise(function (resolve, reject) {
      if (window.Stripe) {
        resolve();
        return;
      }
      const script = document.createElement("script");
      script.src = url;
      script.onload = function () {
        if (window.Stripe) resolve();
        else reject(new Error("no Stripe.js in " + url));
      };
      script.onerror = reject;
      window.setTimeout(reject, LOAD_LIMIT_MS);
      document.head.append(script);
    });
  }

  function appearance() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    const tokens = window.getComputedStyle(document.documentElement);
    const colour = (name) => tokens.getPropertyValue(name).trim();
    const variables = {
      colorPrimary: colour("--accent"),
      colorBackground: colour("--sheet"),
      colorText: colour("--ink"),
      colorDanger: colour("--bad"),
    };
    return { theme: dark ? "night" : "stripe", variables };
  }

  function openOtherCard(button) {
    const form = payForm();
    button.setAttribute("aria-expanded", "true");
    button.hidden = true;
    form.hidden = false;
    document.getElementById("card-title").focus();
    mount(form);
  }

  // ---- Paying

  // Runs one press. Whatever it throws is an unknown outcome unless it says itself that nothing was sent.
  async function attempt(press) {
    if (busy || checking) return;
    setBusy(true);
    received = false;
    say("", "");
    try {
      await press();
    } catch (error) {
      startChecking();
    }
    if (!checking) setBusy(false);
    pollSoonUntil = performance.now() + POLL_SOON_FOR_MS;
    schedulePoll();
  }

  function pay(form) {
    if (!checkout || checkout.form !== form) return;
    const chosen = choice.read(form);
    if (!chosen) return;
    attempt(async function () {
      const token = await makeToken();
      if (!token) return;
      await follow(await sendPayment(form, token, chosen), true);
    });
  }

  // The button and Stripe's form follow what was chosen.
  function choose(form) {
    choice.changed(form);
    showChosen(form);
  }

  function showChosen(form) {
    const amount = choice.amount(form);
    if (checkout && checkout.form === form) checkout.elements.update({ amount });
    const label = form.querySelector("#submit .label");
    label.dataset.idle = choice.label(form);
    if (!busy) label.textContent = label.dataset.idle;
  }

  // Sends the payment with a page token; once more with a fresh one where the server wants that.
  async function sendPayment(form, token, chosen) {
    if (!pageToken.has()) await fetchPanel();
    for (let renewed = false; ; renewed = true) {
      // Without one, as while we are offline, the server says what to do.
      const page = pageToken.has() ? await pageToken.fields().catch(noFields) : {};
      const answer = await post(form.dataset.payUrl, {
        confirmation_token: token,
        amount: chosen.amount,
        currency: form.dataset.currency,
        due: chosen.due,
        invoices: chosen.invoices.length > 0 ? chosen.invoices : undefined,
        ...page,
      });
      const renewable = answer.kind === "refused" && RENEWABLE.includes(answer.problem.code);
      if (!renewable || renewed) return answer;
      pageToken.drop();
      await fetchPanel();
    }
  }

  // Browsers without secure contexts cannot do the work; the server's sentence says what to do.
  function noFields() {
    return {};
  }

  // Nothing has reached our server here, so whatever goes wrong cost nothing.
  async function makeToken() {
    try {
      const checked = await checkout.elements.submit();
      if (checked.error) {
        sayError(checked.error);
        return null;
      }
      const made = await checkout.stripe.createConfirmationToken({
        elements: checkout.elements,
        params: { return_url: window.location.origin + address() },
      });
      if (made.error) {
        sayError(made.error);
        return null;
      }
      return made.confirmationToken.id;
    } catch (error) {
      say("bad", words.not_sent);
      return null;
    }
  }

  function resume() {
    const form = payForm();
    attempt(async function () {
      await follow(await post(form.dataset.checkUrl, {}), true);
    });
  }

  // Acts on what the server answered. `mayAsk`: whether the bank's question may be shown for this press;
  // after it was shown once and left, the panel says how to go on.
  async function follow(answer, mayAsk) {
    if (answer.kind === "unknown") {
      startChecking();
    } else if (answer.kind === "refused") {
      await showRefusal(answer.problem);
    } else if (answer.body.status === "requires_action" && answer.body.client_secret && mayAsk) {
      await askBank(answer.body.client_secret);
    } else if (answer.body.status === "requires_action") {
      // The bank's question was left; without a change the panel has said so before.
      if (!(await refresh())) say("bad", words.not_confirmed);
    } else if (answer.body.decline || answer.body.status === "requires_payment_method") {
      const decline = answer.body.decline;
      const reason = (decline && words.declines[decline.reason]) || words.not_completed;
      // There is nothing left to continue; the panel of the new state asks for a card.
      if (panel.dataset.state.startsWith("continue:")) await refresh();
      say("bad", reason);
    } else {
      received = answer.body.status === "succeeded";
      if (!(await refresh())) startChecking();
    }
  }

  async function askBank(clientSecret) {
    const form = payForm();
    setLabel(words.waiting_for_bank);
    try {
      await loadStripe(form.dataset.scriptUrl);
      const stripe = checkout ? checkout.stripe : connect(form);
      // Its answer is the browser's; what counts is what the server retrieves next.
      await stripe.handleNextAction({ clientSecret });
    } catch (error) {
      say("bad", words.no_form);
    }
    setLabel(words.processing);
    await follow(await post(form.dataset.checkUrl, {}), false);
  }

  async function showRefusal(problem) {
    const form = payForm();
    const text = refusal(problem, form);
    const beside = PART_REFUSALS.includes(problem.code) && form && choice.complain(form, text);
    if (beside) {
      form.querySelector("#part-amount").focus();
    } else if (RELOAD.includes(problem.code)) {
      say("bad", text, { label: words.load_again, action: "reload" });
      closeForm();
    } else if (OUTDATED.includes(problem.code)) {
      const changed = await refresh();
      if (!changed) say("bad", text);
    } else {
      say("bad", text);
    }
  }

  // What a payer reads of a refusal.
  function refusal(problem, form) {
    const text = words.refusals[problem.code] || words.not_completed;
    const wait = problem.retry_after ? sentences.wait(problem.retry_after) : "";
    return sentences.fill(text, { wait, ...(form ? choice.limits(form) : {}) });
  }

  // { kind: "answered", body } | { kind: "refused", problem } | { kind: "unknown" }
  async function post(url, body) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      const answer = await response.json();
      // After any other failure something may have happened.
      const nothingBegun = ["temporarily_unavailable", "live_locked"].includes(answer.code);
      if (response.status >= 500 && !nothingBegun) return { kind: "unknown" };
      return response.ok ? { kind: "answered", body: answer } : { kind: "refused", problem: answer };
    } catch (error) {
      return { kind: "unknown" };
    }
  }

  function startChecking() {
    checking = { since: performance.now(), answers: 0 };
    setLabel(words.checking);
    say("calm", words.checking_why);
  }

  // ---- Following the server

  function schedulePoll() {
    window.clearTimeout(pollTimer);
    if (document.hidden || panel.hasAttribute("data-final")) return;
    const soon = checking || performance.now() < pollSoonUntil;
    pollTimer = window.setTimeout(poll, soon ? POLL_SOON_MS : POLL_LATER_MS);
  }

  async function poll() {
    // A press in progress brings its own answer.
    if ((busy && !checking) || panel.hasAttribute("data-final")) return;
    const next = await fetchPanel();
    if (next && !(busy && !checking)) {
      if (mustShow(next)) {
        show(next);
      } else if (checking) {
        checking.answers += 1;
        const waited = performance.now() - checking.since;
        if (waited > GIVE_UP_MS && checking.answers >= GIVE_UP_ANSWERS) stopChecking();
      }
    }
    schedulePoll();
  }

  // A card that is being typed in is not taken away by states that the same form serves.
  function mustShow(next) {
    if (next.dataset.state === panel.dataset.state) return false;
    const form = payForm();
    const typing = checkout && form && !form.hidden;
    const nextForm = next.querySelector("#pay-form");
    const same = typing && nextForm && nextForm.dataset.offer === form.dataset.offer;
    return !same || Boolean(checking);
  }

  function stopChecking() {
    checking = null;
    setBusy(false);
    say("calm", words.not_found);
  }

  // Asks the server and shows its panel if the state is another one. Whether it was.
  async function refresh() {
    const next = await fetchPanel();
    if (!next || next.dataset.state === panel.dataset.state) return false;
    show(next);
    return true;
  }

  async function fetchPanel() {
    question += 1;
    const mine = question;
    try {
      const response = await fetch(panel.dataset.url, { cache: "no-store" });
      if (mine !== question) return null;
      if (response.status === 404 || response.status === 410) {
        linkGone();
        return null;
      }
      if (!response.ok) return null;
      const next = parse(await response.text(), "panel");
      const form = next && next.querySelector("#pay-form");
      if (form) pageToken.take(form);
      return next;
    } catch (error) {
      return null;
    }
  }

  function parse(html, id) {
    const found = new DOMParser().parseFromString(html, "text/html").getElementById(id);
    return found && document.importNode(found, true);
  }

  function show(next) {
    const amountChanged = next.dataset.state.split(":")[1] !== panel.dataset.state.split(":")[1];
    const focused = panel.contains(document.activeElement);
    const wasChecking = Boolean(checking);
    if (checkout) checkout.element.unmount();
    checking = null;
    panel.replaceWith(next);
    panel = next;
    setBusy(false);
    openPanel();
    if (wasChecking && payForm()) say("calm", words.not_found);
    if (amountChanged && payForm()) say("calm", received ? words.part_received : words.due_changed);
    announce(focused);
    if (amountChanged || panel.hasAttribute("data-final")) showPaper();
  }

  // Says the new state to those who do not see it, and keeps the keyboard in the panel.
  function announce(focused) {
    const title = document.getElementById("panel-title");
    const lead = panel.querySelector(".lead");
    document.getElementById("announcement").textContent = [title, lead]
      .filter(Boolean)
      .map(function (part) {
        return part.textContent;
      })
      .join(". ");
    if (focused && title) title.focus();
  }

  // The invoice's sums have changed too; they are on the page itself.
  async function showPaper() {
    try {
      const response = await fetch(address(), { cache: "no-store" });
      if (!response.ok) return;
      const paper = parse(await response.text(), "invoice");
      if (paper) document.getElementById("invoice").replaceWith(paper);
    } catch (error) {
      // The panel already says what matters; the next load of the page shows the rest.
    }
  }

  function linkGone() {
    checking = null;
    say("bad", words.link_gone, { label: words.load_again, action: "reload" });
    closeForm();
  }

  // ---- What is seen

  // A sentence beside the button that was pressed. `action`: { label, action } of a button behind it.
  function say(tone, text, action) {
    const form = payForm();
    const place = document.getElementById(form && form.hidden ? "resume-message" : "message");
    if (!place && text === "") return;
    const box = place || fallbackPlace();
    box.replaceChildren();
    box.hidden = text === "";
    box.className = "message " + tone;
    if (text === "") return;
    const sentence = document.createElement("p");
    sentence.textContent = text;
    box.append(sentence);
    if (action) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "small";
      button.dataset.action = action.action;
      button.textContent = action.label;
      box.append(button);
    }
  }

  function fallbackPlace() {
    const box = document.createElement("div");
    box.id = "message";
    box.setAttribute("role", "alert");
    panel.append(box);
    return box;
  }

  function sayError(error) {
    say("bad", (SAID_TO_PAYERS.includes(error.type) && error.message) || words.not_sent);
  }

  function setBusy(value) {
    busy = value;
    panel.classList.toggle("busy", value);
    panel.setAttribute("aria-busy", String(value));
    renderButtons();
    setLabel(value ? words.processing : null);
  }

  function renderButtons() {
    const ready = Boolean(checkout) && checkout.form === payForm();
    panel.querySelectorAll("#submit, #resume, #other-card").forEach(function (button) {
      button.disabled = busy || (button.id === "submit" && !ready);
    });
    const fields = document.getElementById("choice");
    if (fields) fields.disabled = busy;
  }

  // The words on the main button; null for its own.
  function setLabel(text) {
    document.querySelectorAll("#submit .label, #resume .label").forEach(function (label) {
      label.dataset.idle = label.dataset.idle || label.textContent;
      label.textContent = text || label.dataset.idle;
    });
  }

  function setLoading(value) {
    document.getElementById("element-loading").hidden = !value;
  }

  // Nothing more can be done here before the page is loaded again.
  function closeForm() {
    panel.setAttribute("data-final", "");
    const form = payForm();
    const box = document.getElementById("message");
    // What was just said stays; the form goes.
    if (form && box) form.after(box);
    if (checkout) checkout.element.unmount();
    checkout = null;
    setBusy(false);
    if (form) form.hidden = true;
  }
})();
