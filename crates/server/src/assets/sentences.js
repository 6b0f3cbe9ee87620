// What the scripts of the pay page say: the server sends it along with the page, in the page's language.
const sentences = (function () {
  "use strict";

  const language = document.documentElement.lang;
  const all = JSON.parse(document.querySelector("main").dataset.words);

  // Puts values in their places: "{amount}".
  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (place, name) {
      return values[name] === undefined ? "" : values[name];
    });
  }

  // A wait as people say it, rounded up: "40 seconds", "12 Minuten", "5 heures".
  function wait(seconds) {
    const [unit, length] =
      seconds <= 60 ? ["second", 1] : seconds <= 5400 ? ["minute", 60] : ["hour", 3600];
    const count = Math.max(1, Math.ceil(seconds / length));
    const format = { style: "unit", unit, unitDisplay: "long" };
    return new Intl.NumberFormat(language, format).format(count);
  }

  return { all, language, fill, wait };
})();
