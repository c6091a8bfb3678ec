// SPDX-License-Identifier: Apache-2.0
// Runs a model over token ids and prints what it computes, for comparisons with peers.
//
//   logits_driver MODEL [--greedy N] [--threads N] [--context N] [--kv f32|f16|q8_0] [--hidden]
//                 [--micro-batch N] [--out FILE] [--stream on|off|auto] [--one-call]
//                 [--memory BYTES] [--backend mlx] < ids
//
// ids: whitespace-separated numbers. FILE gets the F32 logits (or hidden states) of every position,
// row by row; with --greedy the ids that follow go to standard output.
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include "runtime/engine.h"

namespace {

using namespace pajamas;

struct Arguments {
  std::string model;
  EngineOptions engine;
  int greedy = 0;
  bool hidden = false;
  bool one_call = false;
  std::string out;
};

std::map<std::string, KvType> kv_types() {
  return {{"f32", KvType::kF32}, {"f16", KvType::kF16}, {"q8_0", KvType::kQ8_0}};
}

std::map<std::string, LayerStreaming> streaming_modes() {
  return {
      {"on", LayerStreaming::kOn}, {"off", LayerStreaming::kOff}, {"auto", LayerStreaming::kAuto}};
}

std::int32_t best(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin());
}

Status run(const Arguments& arguments) {
  const CancelToken cancel;
  SilentProgress progress;
  auto engine = PJ_TRY(Engine::open(arguments.model, arguments.engine, cancel, progress));
  std::vector<std::int32_t> ids;
  for (std::int32_t id = 0; std::cin >> id;) ids.push_back(id);
  Sequence sequence = engine->new_sequence();
  std::FILE* out = arguments.out.empty() ? nullptr : std::fopen(arguments.out.c_str(), "wb");
  std::vector<BatchToken> batch;
  for (const std::int32_t id : ids) {
    batch.push_back(
        {&sequence, id, arguments.hidden ? TokenOutput::kHidden : TokenOutput::kLogits});
  }
  std::int32_t next = 0;
  const OutputSink sink = [&](std::size_t, std::span<const float> values) {
    if (out != nullptr) std::fwrite(values.data(), sizeof(float), values.size(), out);
    next = best(values);
  };
  PJ_TRY(engine->forward(batch, sink, cancel));
  if (out != nullptr) std::fclose(out);
  for (int step = 0; step < arguments.greedy; ++step) {
    std::printf("%d ", next);
    const NextToken token{&sequence, next};
    next = best(PJ_TRY(engine->decode({&token, 1}, cancel)));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs a model over token ids."};
  Arguments arguments;
  app.add_option("model", arguments.model)->required();
  app.add_option("--greedy", arguments.greedy);
  app.add_option("--backend", arguments.engine.backend);
  app.add_option("--threads", arguments.engine.threads);
  app.add_option("--context", arguments.engine.context);
  app.add_option("--micro-batch", arguments.engine.micro_batch);
  app.add_option("--kv", arguments.engine.kv_type)->transform(CLI::CheckedTransformer(kv_types()));
  app.add_flag("--hidden", arguments.hidden);
  app.add_option("--stream", arguments.engine.layer_streaming)
      ->transform(CLI::CheckedTransformer(streaming_modes()));
  app.add_flag("--one-call", arguments.one_call);
  app.add_option("--memory", arguments.engine.memory_limit_bytes);
  app.add_option("--out", arguments.out);
  CLI11_PARSE(app, argc, argv);
  if (arguments.one_call) arguments.engine.cache_life = CacheLife::kOneCall;
  const Status done = run(arguments);
  if (done) return 0;
  std::fprintf(stderr, "logits_driver: %s\n", done.error().message.c_str());
  return static_cast<int>(done.error().code);
}
