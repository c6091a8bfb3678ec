// SPDX-License-Identifier: Apache-2.0
// A chat with the model. All text of the model is set as text, never as HTML; the API key stays in its
// field and is stored nowhere.
"use strict";

const byId = (id) => document.getElementById(id);
const history = [];
let running = null;

function headers() {
  const key = byId("api-key").value.trim();
  const result = { "Content-Type": "application/json" };
  if (key) result.Authorization = `Bearer ${key}`;
  return result;
}

function say(text, isError = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("error", isError);
}

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

// Follows what is written unless the reader has scrolled up.
function keepEndInView(change) {
  const log = byId("messages");
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  change();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function show(role, text) {
  const article = element("article", role);
  article.append(element("h2", "hidden", role === "user" ? "You" : "Model"), element("div", "text", text));
  byId("messages").append(article);
  byId("messages").scrollTop = byId("messages").scrollHeight;
  return article;
}

function showThought(article, text) {
  let details = article.querySelector("details");
  if (!details) {
    details = element("details");
    details.open = true;
    details.append(element("summary", "", "Thoughts"), element("div"));
    article.querySelector(".text").before(details);
  }
  details.querySelector("div").append(text);
}

function showText(article, text) {
  const details = article.querySelector("details");
  const target = article.querySelector(".text");
  if (details && !target.hasChildNodes()) details.open = false;
  target.append(text);
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
  try {
    const response = await fetch("/v1/models", { headers: headers() });
    if (response.status === 401) {
      say("This server asks for an API key.", true);
      return;
    }
    if (!response.ok) await fail(response);
    const chosen = byId("model").value;
    const options = (await response.json()).data.map((model) => new Option(model.id, model.id));
    byId("model").replaceChildren(...options);
    if (chosen) byId("model").value = chosen;
    if (byId("status").classList.contains("error")) say("");
  } catch (error) {
    say(error.message, true);
  }
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

function showSpeed(usage, begin) {
  const seconds = (performance.now() - begin) / 1000;
  const count = usage.completion_tokens;
  say(`${count} tokens, ${(count / seconds).toFixed(1)} per second`);
}

async function ask(controller, messages, article) {
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: headers(),
    signal: controller.signal,
    body: JSON.stringify({
      model: byId("model").value,
      messages,
      stream: true,
      stream_options: { include_usage: true },
      temperature: Number(byId("temperature").value),
      max_tokens: Number(byId("max-tokens").value),
    }),
  });
  if (!response.ok) await fail(response);
  say("");
  const begin = performance.now();
  for await (const data of events(response)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    const delta = chunk.choices[0]?.delta ?? {};
    keepEndInView(() => {
      if (delta.reasoning_content) showThought(article, delta.reasoning_content);
      if (delta.content) showText(article, delta.content);
    });
    if (chunk.usage) showSpeed(chunk.usage, begin);
  }
}

async function send(event) {
  event.preventDefault();
  const text = byId("input").value;
  if (running || !text.trim()) return;
  byId("input").value = "";
  const question = { role: "user", content: text };
  show("user", text);
  const article = show("assistant", "");
  const controller = new AbortController();
  setRunning(controller);
  say("The model is answering.");
  try {
    if (!byId("model").value) await loadModels();
    await ask(controller, [...history, question], article);
  } catch (error) {
    const isStop = error.name === "AbortError";
    say(isStop ? "Stopped." : error.message, !isStop);
    if (!isStop) {
      article.classList.add("error");
      article.append(element("div", "failure", error.message));
    }
  } finally {
    // What was not answered at all is no part of the conversation.
    const answer = article.querySelector(".text").textContent;
    if (article.isConnected && answer) history.push(question, { role: "assistant", content: answer });
    setRunning(null);
    byId("input").focus();
  }
}

byId("form").addEventListener("submit", send);
byId("stop").addEventListener("click", () => running?.abort());
byId("api-key").addEventListener("change", loadModels);
byId("clear").addEventListener("click", () => {
  running?.abort();
  history.length = 0;
  byId("messages").replaceChildren();
  say("");
  byId("input").focus();
});
byId("input").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
});
loadModels();
