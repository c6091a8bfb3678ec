// SPDX-License-Identifier: Apache-2.0
// node llama_server.mjs MODULES MODEL.gguf SEQUENCES CONTEXT THREADS: the peer of `make bench-serve`.
//
// llama.cpp's prebuilt library behind node-llama-cpp's own batching, served over HTTP with the part of
// /v1/completions that the benchmark uses: prompts of token ids, greedy, a chunk for each token, no end
// before max_tokens. CONTEXT is for each of the sequences.
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, modelPath, sequences, context, threads] = process.argv.slice(2);
const entry = pathToFileURL(join(resolve(modules), "node-llama-cpp/dist/index.js"));
const { getLlama } = await import(entry.href);

const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: Number(threads) });
const model = await llama.loadModel({ modelPath, useMlock: false });
const llamaContext = await model.createContext({
  sequences: Number(sequences),
  contextSize: Number(context),
  batchSize: 512,
  threads: { ideal: Number(threads), min: Number(threads) },
  flashAttention: true,
  ignoreMemorySafetyChecks: true,
});

const free = Array.from({ length: Number(sequences) }, () => llamaContext.getSequence());
const waiting = [];

async function takeSequence() {
  return free.pop() ?? new Promise((done) => waiting.push(done));
}

function giveSequence(sequence) {
  const next = waiting.shift();
  if (next) next(sequence);
  else free.push(sequence);
}

async function complete({ prompt, max_tokens: maxTokens }, response) {
  const sequence = await takeSequence();
  try {
    await sequence.clearHistory();
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    let count = 0;
    for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, text: "", token }] })}\n\n`);
      if (++count === maxTokens) break;
    }
    response.write(`data: ${JSON.stringify({ choices: [], usage: { completion_tokens: count } })}\n\n`);
    response.end("data: [DONE]\n\n");
  } finally {
    giveSequence(sequence);
  }
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    complete(JSON.parse(Buffer.concat(chunks).toString()), response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
});
server.listen(0, "localhost", () => console.log(`listening on http://localhost:${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
