// The language of the reader, and the emotion's name in the tooltips. Everything else works without this script.
(() => {
  const choices = Object.fromEntries(["en", "ko"].map((lang) => [lang, document.getElementById("show-" + lang)]));
  const names = [...document.querySelectorAll(".legend")].slice(0, 1).flatMap((legend) =>
    [...legend.querySelectorAll("li")].map((item) => ({
      en: item.querySelector("[lang=en]").textContent,
      ko: item.querySelector("[lang=ko]").textContent,
    })));
  const kept = { get: () => { try { return localStorage.getItem("seraph-language"); } catch { return null; } },
                 set: (lang) => { try { localStorage.setItem("seraph-language", lang); } catch { /* not allowed here */ } } };

  function show(lang) {
    document.documentElement.lang = lang;
    document.title = document.documentElement.dataset["title" + (lang === "ko" ? "Ko" : "En")];
    for (const title of document.querySelectorAll(".track title")) {
      const parts = title.textContent.split(" · ");
      parts[1] = names[Number(title.parentNode.getAttribute("class").slice(1))][lang];
      title.textContent = parts.join(" · ");
    }
  }

  const first = kept.get() ?? ((navigator.language ?? "en").toLowerCase().startsWith("ko") ? "ko" : "en");
  const lang = first in choices ? first : "en";
  choices[lang].checked = true;
  show(lang);
  for (const [each, choice] of Object.entries(choices)) {
    choice.addEventListener("change", () => { kept.set(each); show(each); });
  }
})();
