// SPDX-License-Identifier: Apache-2.0
// A chat with the model. All text of the model is set as text, never as HTML.
"use strict";

const byId = (id) => document.getElementById(id);
const history = [];
let running = null;

function headers() {
  const token = byId("token").value.trim();
  const result = { "Content-Type": "application/json" };
  if (token) result.Authorization = `Bearer ${token}`;
  return result;
}

function show(role, text) {
  const article = document.createElement("article");
  article.className = role;
  article.textContent = text;
  byId("messages").append(article);
  article.scrollIntoView({ block: "end" });
  return article;
}

function setRunning(controller) {
  running = controller;
  byId("stop").disabled = controller === null;
  byId("send").disabled = controller !== null;
}

async function fail(response) {
  let message = `${response.status} ${response.statusText}`;
  try {
    message = (await response.json()).error.message;
  } catch {
    // The answer is no JSON: its status has to do.
  }
  throw new Error(message);
}

async function loadModels() {
  const response = await fetch("/v1/models", { headers: headers() });
  if (!response.ok) return;
  const chosen = byId("model").value;
  const options = (await response.json()).data.map((model) => new Option(model.id, model.id));
  byId("model").replaceChildren(...options);
  if (chosen) byId("model").value = chosen;
}

// The data of each server-sent event of a response.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    pending += value;
    const parts = pending.split("\n\n");
    pending = parts.pop();
    for (const part of parts) {
      if (part.startsWith("data: ")) yield part.slice(6);
    }
  }
}

async function ask(controller, article) {
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: headers(),
    signal: controller.signal,
    body: JSON.stringify({
      model: byId("model").value,
      messages: history,
      stream: true,
      stream_options: { include_usage: true },
      temperature: Number(byId("temperature").value),
      max_tokens: Number(byId("max-tokens").value),
    }),
  });
  if (!response.ok) await fail(response);
  const begin = performance.now();
  for await (const data of events(response)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    article.textContent += chunk.choices[0]?.delta.content ?? "";
    if (chunk.usage) {
      const seconds = (performance.now() - begin) / 1000;
      const count = chunk.usage.completion_tokens;
      byId("status").textContent = `${count} tokens, ${(count / seconds).toFixed(1)} per second`;
    }
  }
}

async function send(event) {
  event.preventDefault();
  const text = byId("input").value;
  if (running || !text.trim()) return;
  byId("input").value = "";
  history.push({ role: "user", content: text });
  show("user", text);
  const article = show("assistant", "");
  const controller = new AbortController();
  setRunning(controller);
  byId("status").textContent = "The model is answering.";
  try {
    if (!byId("model").value) await loadModels();
    await ask(controller, article);
  } catch (error) {
    if (error.name !== "AbortError") {
      article.classList.add("error");
      byId("status").textContent = error.message;
    } else {
      byId("status").textContent = "Stopped.";
    }
  } finally {
    history.push({ role: "assistant", content: article.textContent });
    setRunning(null);
    byId("input").focus();
  }
}

byId("form").addEventListener("submit", send);
byId("stop").addEventListener("click", () => running?.abort());
byId("token").addEventListener("change", loadModels);
byId("clear").addEventListener("click", () => {
  running?.abort();
  history.length = 0;
  byId("messages").replaceChildren();
  byId("status").textContent = "";
});
byId("input").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
});
loadModels();
