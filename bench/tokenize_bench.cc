// SPDX-License-Identifier: Apache-2.0
// tokenize_bench FOLDER ROUNDS FILE...
// Encodes the files, one text each, ROUNDS times on one thread. Prints bytes, tokens and the least
// seconds of a round.
#include <chrono>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "base/file.h"
#include "text/tokenizer.h"

namespace pajamas {
namespace {

Result<void> run(const std::string& folder, int rounds, std::span<const char* const> files) {
  const Tokenizer tokenizer = PJ_TRY(Tokenizer::open_folder(folder));
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  for (const char* file : files) {
    texts.push_back(PJ_TRY(read_text_file(file, std::uint64_t{1} << 30)));
    bytes += texts.back().size();
  }
  double least = 1e300;
  std::size_t tokens = 0;
  for (int round = 0; round < rounds; ++round) {
    tokens = 0;
    const auto started = std::chrono::steady_clock::now();
    for (const std::string& text : texts) {
      tokens += PJ_TRY(tokenizer.encode(text, {.add_special = false})).size();
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
    least = std::min(least, spent.count());
  }
  fmt::print("{} {} {:.6f}\n", bytes, tokens, least);
  return {};
}

}  // namespace
}  // namespace pajamas

int main(int count, char** arguments) {
  const std::span<char* const> all(arguments, static_cast<std::size_t>(count));
  if (all.size() < 4) {
    fmt::print(stderr, "usage: tokenize_bench FOLDER ROUNDS FILE...\n");
    return 2;
  }
  const auto status = pajamas::run(all[1], std::atoi(all[2]), all.subspan(3));
  if (!status) {
    fmt::print(stderr, "tokenize_bench: {}\n", status.error().message);
    return static_cast<int>(status.error().code);
  }
  return 0;
}
