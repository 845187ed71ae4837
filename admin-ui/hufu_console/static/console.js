// The little the pages need a script for; every page works without it.
"use strict";

function markChecked(slot) {
  const input = document.getElementById(slot.dataset.for);
  if (!input) return;
  const wrong = slot.textContent.trim() !== "";
  input.classList.toggle("is-invalid", wrong);
  if (wrong) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function countPicked(form) {
  const picked = form.querySelectorAll("input[name=pick]:checked").length;
  const bar = form.querySelector(".hf-bulk");
  if (!bar) return;
  bar.hidden = picked === 0;
  for (const place of bar.querySelectorAll("[data-count]")) place.textContent = String(picked);
}

document.addEventListener("DOMContentLoaded", () => {
  // What answers a sent form is looked at again, by Back or by loading it, without sending the form again.
  const answered = document.body.dataset.answeredPage;
  if (answered) history.replaceState(history.state, "", answered);
  const summary = document.querySelector(".hf-summary-errors");
  if (summary) summary.focus();
  for (const form of document.querySelectorAll("form[data-bulk]")) countPicked(form);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.matches(".hf-error[data-for]")) markChecked(event.detail.target);
  const focus = document.querySelector("[data-focus]");
  if (focus) {
    focus.removeAttribute("data-focus");
    focus.focus();
  }
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-bulk]");
  if (!form) return;
  if (event.target.matches("[data-pick-all]")) {
    for (const box of form.querySelectorAll("input[name=pick]")) box.checked = event.target.checked;
  }
  countPicked(form);
});

// Arrow keys walk through search results; Escape returns to the search field.
document.addEventListener("keydown", (event) => {
  const search = event.target.closest("[data-search]");
  if (!search) return;
  const field = search.querySelector("input[type=search]");
  const found = [...search.querySelectorAll(".hf-found button")];
  const at = found.indexOf(document.activeElement);
  if (event.key === "Enter" && event.target === field) event.preventDefault();
  if (event.key === "Escape" && at >= 0) field.focus();
  if (event.key === "ArrowDown" && found[at + 1]) {
    event.preventDefault();
    found[at + 1].focus();
  }
  if (event.key === "ArrowUp" && at >= 0) {
    event.preventDefault();
    (found[at - 1] || field).focus();
  }
});

// The drawer takes the focus while it is open, and gives it back; Escape closes it and what folds out of the top bar.
function followDrawer() {
  const menu = document.getElementById("menu");
  if (!menu) return;
  const open = location.hash === "#menu";
  if (open) menu.querySelector("a").focus();
  else if (menu.contains(document.activeElement)) document.querySelector(".hf-top .hf-drawer").focus();
}
window.addEventListener("hashchange", followDrawer);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (location.hash === "#menu") location.replace("#main");
  for (const popup of document.querySelectorAll(".hf-popup[open]")) {
    popup.open = false;
    popup.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const popup of document.querySelectorAll(".hf-popup[open]")) {
    if (!popup.contains(event.target)) popup.open = false;
  }
  const menu = document.getElementById("menu");
  if (menu && location.hash === "#menu" && !menu.contains(event.target) && !event.target.closest("[href='#menu']")) {
    location.replace("#main");
  }
});
// Single keys, unless switched off in the account menu: / searches, j and k walk through a list, others stand at what
// they lead to. A key follows a link; a button it only brings into focus.
const KEYS_OFF = "hufu-keys-off";

document.addEventListener("keydown", (event) => {
  if (localStorage.getItem(KEYS_OFF) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "/") {
    const fields = document.querySelectorAll("#everything, main input[type=search]");
    const search = [...fields].find((field) => field.offsetParent !== null);
    if (!search) return;
    event.preventDefault();
    search.focus();
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll(".hf-table tbody th a")];
    const next = rows.indexOf(document.activeElement) + (event.key === "j" ? 1 : -1);
    (rows[next] || document.activeElement).focus();
  } else if (/^[a-z]$/.test(event.key)) {
    const place = document.querySelector(`[data-key="${event.key}"]`);
    if (place && place.matches("a")) place.click();
    else if (place) place.focus();
  }
});
document.addEventListener("DOMContentLoaded", () => {
  const choice = document.querySelector("[data-keys]");
  if (!choice) return;
  choice.hidden = false;
  const box = choice.querySelector("input");
  box.checked = !localStorage.getItem(KEYS_OFF);
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "off");
  });
});

// A day is typed as people count years, or chosen in the browser's calendar beside it; each follows the other.
const ROC_OFFSET = document.documentElement.lang === "en" ? 0 : 1911;

function isoDay(text) {
  const parts = /^\D*(\d{1,4})\D+(\d{1,2})\D+(\d{1,2})\D*$/.exec(text);
  if (!parts) return "";
  const year = Number(parts[1]) > 1911 ? Number(parts[1]) : Number(parts[1]) + 1911;
  return `${year}-${parts[2].padStart(2, "0")}-${parts[3].padStart(2, "0")}`;
}

document.addEventListener("DOMContentLoaded", () => {
  for (const calendar of document.querySelectorAll("[data-day-of]")) {
    const field = document.getElementById(calendar.dataset.dayOf);
    calendar.hidden = false;
    calendar.value = isoDay(field.value);
    field.addEventListener("change", () => { calendar.value = isoDay(field.value); });
    calendar.addEventListener("change", () => {
      const [year, month, day] = calendar.value.split("-");
      if (year) field.value = `${Number(year) - ROC_OFFSET}-${month}-${day}`;
    });
  }
});

// Groups stay as this browser folded them.
document.addEventListener("DOMContentLoaded", () => {
  for (const group of document.querySelectorAll("[data-group]")) {
    const key = `hufu-menu-${group.dataset.group}`;
    if (localStorage.getItem(key) === "folded" && !group.querySelector("[aria-current]")) group.open = false;
    group.addEventListener("toggle", () => localStorage.setItem(key, group.open ? "open" : "folded"));
  }
});

// A form is sent once, however often the button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Two minutes before the session ends, say so and offer to go on. The server knows when: tabs agree by asking it.
const NOTICE = 120;
const ASK_AGAIN = 10;

function watchSession(dialog) {
  const goOn = dialog.querySelector("[data-go-on]");
  const clock = dialog.querySelector("[data-clock]");
  const token = dialog.querySelector("[name=csrf_token]").value;
  let end = 0;
  let timer = 0;
  let asked = 0;

  function left() {
    return Math.max(0, Math.ceil((end - Date.now()) / 1000));
  }

  // Browsers take no timer of more than 24 days, and none sleeps exactly.
  function wait(seconds) {
    clearTimeout(timer);
    timer = setTimeout(look, Math.min(Math.max(seconds, 1), 3600) * 1000);
  }

  function learn(seconds) {
    end = Date.now() + seconds * 1000;
    asked = Date.now();
  }

  async function ask() {
    asked = Date.now();
    try {
      const answer = await fetch(dialog.dataset.ask, { headers: { Accept: "application/json" } });
      if (answer.ok) learn((await answer.json()).seconds);
    } catch {
      // Without an answer the clock goes on as it was.
    }
  }

  async function look() {
    if (left() <= NOTICE && (!dialog.open || left() === 0 || Date.now() - asked > ASK_AGAIN * 1000)) await ask();
    const seconds = left();
    if (seconds > NOTICE) {
      if (dialog.open) dialog.close();
      wait(seconds - NOTICE);
      return;
    }
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (!dialog.open) dialog.showModal();
    if (seconds > 0) wait(1);
    else over();
  }

  function over() {
    clearTimeout(timer);
    dialog.querySelector("[data-over]").hidden = false;
    dialog.querySelector("#session-end-words").hidden = true;
    dialog.querySelector("[role=timer]").hidden = true;
    goOn.hidden = true;
    const close = dialog.querySelector("[data-close]");
    close.hidden = false;
    close.focus();
  }

  async function extend() {
    try {
      const body = new URLSearchParams({ csrf_token: token });
      const answer = await fetch(dialog.dataset.extend, { method: "POST", body });
      if (answer.ok) learn((await answer.json()).seconds);
      else await ask();
    } catch {
      return;
    }
    look();
  }

  goOn.addEventListener("click", (event) => {
    event.preventDefault();
    extend();
  });
  // Escape is an answer, too: somebody is there.
  dialog.addEventListener("cancel", (event) => {
    if (goOn.hidden) return;
    event.preventDefault();
    extend();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && left() <= NOTICE && !goOn.hidden) look();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) ask().then(look);
  });
  learn(Number(dialog.dataset.seconds));
  wait(left() - NOTICE);
}

document.addEventListener("DOMContentLoaded", () => {
  const dialog = document.getElementById("session-end");
  if (dialog) watchSession(dialog);
});
