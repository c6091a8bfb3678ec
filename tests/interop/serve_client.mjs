// SPDX-License-Identifier: Apache-2.0
// node serve_client.mjs MODULES URL MODEL: drives the server with the official npm client. Ends with
// an error when something is not as the client expects it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [modules, url, model] = process.argv.slice(2);
const { OpenAI } = createRequire(`${modules}/`)("openai");
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "Tell me about a cat." }];

const checks = {
  async models() {
    const ids = [];
    for await (const entry of client.models.list()) ids.push(entry.id);
    assert.deepEqual(ids, [model]);
  },
  async chatWholeAndStreamed() {
    const options = { model, messages, temperature: 0, max_tokens: 16 };
    const whole = await client.chat.completions.create(options);
    let text = "";
    for await (const chunk of await client.chat.completions.create({ ...options, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    assert.equal(text, whole.choices[0].message.content);
  },
  async streamHelper() {
    const stream = client.chat.completions.stream({ model, messages, stop: ["a", "e", "o"], seed: 1 });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0].finish_reason, "stop");
  },
  async schema() {
    const schema = {
      type: "object",
      properties: { legs: { type: "integer", minimum: 0, maximum: 9 } },
      required: ["legs"],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.parse({
      model,
      messages,
      seed: 1,
      max_tokens: 100,
      response_format: { type: "json_schema", json_schema: { name: "animal", strict: true, schema } },
    });
    assert.ok(Number.isInteger(answer.choices[0].message.parsed.legs));
  },
  async tool() {
    const parameters = {
      type: "object",
      properties: { city: { enum: ["Rome", "Oslo"] } },
      required: ["city"],
      additionalProperties: false,
    };
    const stream = client.chat.completions.stream({
      model,
      messages,
      seed: 1,
      max_tokens: 200,
      tools: [{ type: "function", function: { name: "get_weather", parameters } }],
      tool_choice: { type: "function", function: { name: "get_weather" } },
    });
    const call = (await stream.finalChatCompletion()).choices[0].message.tool_calls[0];
    assert.ok(["Rome", "Oslo"].includes(JSON.parse(call.function.arguments).city));
  },
  async embeddings() {
    // The client asks for base64 by itself.
    const packed = await client.embeddings.create({ model, input: "a cat" });
    const floats = await client.embeddings.create({ model, input: "a cat", encoding_format: "float" });
    assert.equal(packed.data[0].embedding.length, floats.data[0].embedding.length);
    packed.data[0].embedding.forEach((value, at) => {
      assert.ok(Math.abs(value - floats.data[0].embedding[at]) < 1e-6);
    });
  },
  async responses() {
    const options = { model, input: "Hi", max_output_tokens: 8, temperature: 0 };
    const whole = await client.responses.create(options);
    let text = "";
    for await (const event of await client.responses.create({ ...options, stream: true })) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    assert.equal(text, whole.output_text);
  },
  async abort() {
    const stream = await client.completions.create({
      model,
      prompt: "Once upon a time",
      max_tokens: 400,
      stream: true,
    });
    for await (const chunk of stream) {
      assert.ok("text" in chunk.choices[0]);
      stream.controller.abort();
      break;
    }
  },
  async errors() {
    await assert.rejects(client.chat.completions.create({ model, messages, temperature: -1 }), {
      status: 400,
      param: "temperature",
    });
    await assert.rejects(client.models.retrieve("another"), { status: 404 });
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
  } catch (error) {
    console.error(`${name}: ${error.stack}`);
    process.exitCode = 1;
  }
}
