// What the pages gain where JavaScript runs; without it every one of them works.
"use strict";

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function since(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? [];
  return unit ? relative.format(Math.round(seconds / size), unit) : "just now";
}

function shown(element, moment) {
  if ("relative" in element.dataset) return since(moment);
  return ("clock" in element.dataset ? clock : dateTime).format(moment);
}

function localizeTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-shown])")) {
    if (!("relative" in element.dataset)) element.dataset.shown = "";
    const moment = new Date(element.dateTime);
    element.textContent = shown(element, moment);
    element.title = dateTime.format(moment);
  }
}

function offerCopying(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

function suggestTimeZone(root) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const select of root.querySelectorAll("select[data-own-time-zone]")) {
    const isOffered = [...select.options].some((option) => option.value === own);
    if (!select.value && isOffered) select.value = own;
  }
}

function dress(root) {
  suggestTimeZone(root);
  localizeTimes(root);
  offerCopying(root);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = button.innerHTML;
    button.textContent = "Copied";
    setTimeout(() => (button.innerHTML = before), 1500);
  }
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A second click while the first one is under way asks nothing twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 5000);
});

// What was chosen before htmx was ready, or was put back by the browser's Back, counts as chosen now.
function differsFromServer(control) {
  if (control.options) {
    const sent = [...control.options].findIndex((option) => option.defaultSelected);
    return control.selectedIndex !== Math.max(sent, 0);
  }
  return control.value !== control.defaultValue || control.checked !== control.defaultChecked;
}

function changedControl(form) {
  return [...form.querySelectorAll("input, select, textarea")].find(differsFromServer);
}

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[hx-trigger*=change]")) {
    changedControl(form)?.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// What updates itself leaves alone a form that somebody fills in, and errors that they have not acted on.
document.addEventListener("htmx:before:swap", (event) => {
  const source = event.detail.ctx.sourceElement.closest("[data-live]");
  for (const form of document.querySelectorAll("[data-live] form")) {
    const isInUse = source && (changedControl(form) || form.querySelector("[aria-invalid]"));
    form.toggleAttribute("hx-morph-skip", Boolean(isInUse));
  }
});

// A fragment that is refused because the sign-in ended: the whole page asks to sign in again, and a form comes back as
// it was filled in.
document.addEventListener("htmx:response:error", (event) => {
  const { response, sourceElement } = event.detail.ctx;
  if (response.status !== 401) return;
  if (sourceElement instanceof HTMLFormElement) {
    location = `${sourceElement.getAttribute("hx-get")}?${new URLSearchParams(new FormData(sourceElement))}`;
  } else {
    location.reload();
  }
});

// An outage is announced on the page, which stays as it was until a stream or a fragment arrives again.
const offline = document.querySelector("[data-offline]");

function announce(isLost) {
  const words = isLost ? offline.dataset.offline : "";
  if (offline.textContent !== words) offline.textContent = words;
}

document.addEventListener("htmx:sse:error", () => announce(true));
document.addEventListener("htmx:sse:after:connection", () => announce(false));

// A log of any length is followed, with no more rows than a browser copes with: the oldest go, and a note says so.
const MOST_ROWS = 5000;
const ROWS_KEPT = 4000;

function dropOldest(log) {
  const surplus = log.children.length > MOST_ROWS ? log.children.length - ROWS_KEPT : 0;
  if (!surplus) return;
  const height = log.scrollHeight;
  const oldest = document.createRange();
  oldest.setStart(log, 0);
  oldest.setEndBefore(log.children[surplus]);
  oldest.deleteContents();
  // Whoever reads further up goes on reading the same lines.
  log.scrollTop -= height - log.scrollHeight;
  const skipped = document.querySelector("[data-log-skipped]");
  skipped.textContent = Number(skipped.textContent) + surplus;
  document.querySelector("[data-log-note]").hidden = false;
}

// The log stays at its end while its reader is there, and stays put while they read further up.
let following = true;
document.addEventListener("htmx:before:swap", () => {
  const log = document.querySelector("[data-log]");
  following = !log || log.scrollHeight - log.scrollTop - log.clientHeight < 40;
});
document.addEventListener("htmx:after:swap", () => {
  dress(document);
  const titled = document.querySelector("[data-title]");
  if (titled) document.title = `${titled.dataset.title} · Stationmaster`;
  const log = document.querySelector("[data-log]");
  if (!log) return;
  dropOldest(log);
  if (following) log.scrollTop = log.scrollHeight;
});

// What was done is said once: the address that stays does not say it again.
const address = new URL(location);
if (address.searchParams.has("done")) {
  address.searchParams.delete("done");
  history.replaceState(history.state, "", address);
}

dress(document);
const log = document.querySelector("[data-log]");
if (log) log.scrollTop = log.scrollHeight;
setInterval(() => localizeTimes(document), 60000);
