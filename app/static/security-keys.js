// Forms that are sent with the response of a security key. Their templates have the words and what the key is asked.
"use strict";

async function ask(form) {
  const options = JSON.parse(form.dataset.options);
  if (form.dataset.securityKey === "create") {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

function explain(form, error) {
  const name = error.name.charAt(0).toLowerCase() + error.name.slice(1);
  form.querySelector("[data-said]").textContent = form.dataset[name] ?? form.dataset.failed;
}

async function sendWithResponse(event) {
  const form = event.currentTarget;
  event.preventDefault();
  if (form.dataset.asking) return;
  form.dataset.asking = "yes";
  form.querySelector("[data-said]").textContent = "";
  try {
    form.elements.response.value = JSON.stringify(await ask(form));
    form.submit();
  } catch (error) {
    explain(form, error);
  } finally {
    delete form.dataset.asking;
  }
}

for (const form of document.querySelectorAll("[data-security-key]")) {
  const isSupported = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);
  form.querySelector("[data-supported]").hidden = !isSupported;
  form.querySelector("[data-unsupported]").hidden = isSupported;
  form.addEventListener("submit", sendWithResponse);
}
