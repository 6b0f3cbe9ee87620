// What the payer chooses to pay: all of the invoice or a part of it, and the client's other invoices with it.
// The amounts are the server's, whole minor units; the server checks whatever is sent.
const choice = (function () {
  "use strict";

  const NOT_AN_AMOUNT = "Enter an amount such as ";
  const TOO_MUCH = "That is more than is owed: ";

  // What is to be paid of this form: { amount, invoices, due }, or null when what was entered is no amount that can
  // be paid. Then the field says why.
  function read(form) {
    const invoices = ticked(form);
    const all = total(form, invoices);
    const ids = invoices.map(function (box) {
      return box.value;
    });
    if (!isPart(form)) return { amount: all, invoices: ids, due: all };
    const amount = parse(form, partField(form).value);
    const problem = wrong(form, amount, all);
    complain(form, problem);
    if (problem) partField(form).focus();
    return problem ? null : { amount, invoices: ids, due: all };
  }

  // The amount that the form stands at, or all of it while a part is being typed in.
  function amount(form) {
    const all = total(form, ticked(form));
    const part = isPart(form) ? parse(form, partField(form).value) : all;
    return wrong(form, part, all) ? all : part;
  }

  // The words of the button: without an amount while what is typed is none that can be paid.
  function label(form) {
    const all = total(form, ticked(form));
    const part = isPart(form) ? parse(form, partField(form).value) : all;
    return isPart(form) && wrong(form, part, all) ? "Pay" : "Pay " + written(form, part);
  }

  // A choice was made: the sums on the page follow it.
  function changed(form) {
    const part = isPart(form);
    const field = form.querySelector("#part");
    if (field) field.hidden = !part;
    const sum = form.querySelector("#choice-all");
    if (sum) sum.textContent = written(form, total(form, ticked(form)));
    complain(form, "");
  }

  function ticked(form) {
    return Array.from(form.querySelectorAll("input[name=invoice]:checked"));
  }

  function total(form, boxes) {
    return boxes.reduce(
      function (sum, box) {
        return sum + Number(box.dataset.amount);
      },
      Number(form.dataset.due),
    );
  }

  function isPart(form) {
    const chosen = form.querySelector("input[name=part]:checked");
    return Boolean(chosen) && chosen.value === "part";
  }

  function partField(form) {
    return form.querySelector("#part-amount");
  }

  // Why so much cannot be paid; empty when it can, as far as this page knows.
  function wrong(form, amount, all) {
    if (amount === null) return NOT_AN_AMOUNT + plain(form, Number(form.dataset.partMinimum)) + ".";
    if (amount > all) return TOO_MUCH + written(form, all) + ".";
    const least = Math.min(Number(form.dataset.partMinimum), all);
    if (amount < least) return "Pay at least " + written(form, least) + ".";
    return "";
  }

  // Minor units of what was typed; null for what is no amount. Digits are moved, nothing is multiplied.
  function parse(form, text) {
    const decimals = Number(form.dataset.decimals);
    const found = /^(\d{1,12})(?:[.,](\d{1,3}))?$/.exec(text.trim().replace(/^[^\d]+|[\s']/g, ""));
    if (!found || (found[2] || "").length > decimals) return null;
    return Number(found[1] + (found[2] || "").padEnd(decimals, "0"));
  }

  function plain(form, minor) {
    const decimals = Number(form.dataset.decimals);
    const digits = String(minor).padStart(decimals + 1, "0");
    const whole = digits.slice(0, digits.length - decimals);
    return decimals > 0 ? whole + "." + digits.slice(-decimals) : whole;
  }

  // As the server writes amounts: its nothing, with other digits.
  function written(form, minor) {
    const [whole, part] = plain(form, minor).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    const digits = part === undefined ? grouped : grouped + "." + part;
    return form.dataset.nothing.replace(/0(\.0+)?/, digits);
  }

  // Says beside the field what is wrong with it. Whether there is a field to say it beside.
  function complain(form, text) {
    const place = form.querySelector("#part-error");
    if (!place) return false;
    place.textContent = text;
    place.hidden = text === "";
    if (text) partField(form).setAttribute("aria-invalid", "true");
    else partField(form).removeAttribute("aria-invalid");
    return isPart(form);
  }

  return { read, amount, label, changed, complain };
})();
