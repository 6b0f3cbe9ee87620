// What the payer chooses to pay: all of the invoice or a part of it, and the client's other invoices with it.
// The amounts are the server's, whole minor units; the server checks whatever is sent.
const choice = (function () {
  "use strict";

  const words = sentences.all;

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
    const nothing = isPart(form) && wrong(form, part, all);
    return nothing ? words.pay : sentences.fill(words.pay_amount, { amount: written(form, part) });
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
    if (amount === null) {
      const example = digits(form, Number(form.dataset.partMinimum), "");
      return sentences.fill(words.not_an_amount, { amount: example });
    }
    if (amount > all) return sentences.fill(words.too_much, { amount: written(form, all) });
    const least = Math.min(Number(form.dataset.partMinimum), all);
    if (amount < least) {
      return sentences.fill(words.refusals.part_too_small, { least: written(form, least) });
    }
    return "";
  }

  // The amounts that the server's refusals of an amount are about, as far as this page knows them.
  function limits(form) {
    const all = total(form, ticked(form));
    const least = Number(form.dataset.least);
    return {
      all: written(form, all),
      most: written(form, Math.max(all - least, 0)),
      least: written(form, Math.max(Number(form.dataset.partMinimum || 0), least)),
    };
  }

  // Minor units of what was typed; null for what is no amount. Digits are moved, nothing is multiplied.
  function parse(form, text) {
    const decimals = Number(form.dataset.decimals);
    const bare = text.trim().replace(/^[^\d-]+|[^\d]+$|[\s']/g, "");
    const found = /^(\d{1,12})(?:[.,](\d{1,3}))?$/.exec(ungrouped(form, bare));
    if (!found || (found[2] || "").length > decimals) return null;
    return Number(found[1] + (found[2] || "").padEnd(decimals, "0"));
  }

  // Without what the page's language writes between thousands, where it can be nothing else: "1,234.50", and in
  // German "1.234,50". Alone, such a sign may be meant for a point.
  function ungrouped(form, text) {
    const { thousands, point } = form.dataset;
    const [whole, part, more] = text.split(point);
    const groups = whole.split(thousands);
    const grouped = groups.length > 1 && groups.every(function (group, at) {
      return at === 0 ? /^\d{1,3}$/.test(group) : /^\d{3}$/.test(group);
    });
    const sure = part !== undefined || groups.length > 2;
    return grouped && sure && more === undefined ? text.split(thousands).join("") : text;
  }

  // Digits as the server writes them, with `between` thousands.
  function digits(form, minor, between) {
    const { decimals, point, groupedFrom } = form.dataset;
    const places = Number(decimals);
    const all = String(minor).padStart(places + 1, "0");
    const whole = all.slice(0, all.length - places);
    const groups = whole.length >= Number(groupedFrom);
    const grouped = groups ? whole.replace(/\B(?=(\d{3})+$)/g, between) : whole;
    return places > 0 ? grouped + point + all.slice(-places) : grouped;
  }

  // As the server writes amounts: its nothing, with other digits.
  function written(form, minor) {
    const { nothing, thousands } = form.dataset;
    return nothing.replace(/0(?:[.,]0+)?/, digits(form, minor, thousands));
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

  return { read, amount, label, changed, complain, limits };
})();
