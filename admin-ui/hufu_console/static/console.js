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
