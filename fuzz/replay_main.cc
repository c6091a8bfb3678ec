// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: on every file of the given folders, then on a fixed number
// of mutations of them. The mutations are the same on every run, so a failure repeats; with -trace
// as the first argument each input is named before it runs, the last one named is at fault.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr int kMutations = 2000;
constexpr std::size_t kMaxInputBytes = 1 << 20;

std::vector<fs::path> list_inputs(std::span<char* const> folders) {
  std::vector<fs::path> paths;
  for (const char* folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes>& inputs) : inputs_(inputs) {}

  Bytes next() {
    Bytes bytes = inputs_[below(inputs_.size())];
    for (std::size_t steps = 1 + below(4); steps > 0; --steps) mutate(bytes);
    if (bytes.size() > kMaxInputBytes) bytes.resize(kMaxInputBytes);
    return bytes;
  }

 private:
  // Not std::uniform_int_distribution: its results differ between libraries.
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

  void mutate(Bytes& bytes) {
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() + 1));
    const auto left = static_cast<std::size_t>(bytes.end() - at);
    switch (left == 0 ? 5 : below(6)) {
      case 0:
        *at = static_cast<std::uint8_t>(*at ^ (1U << below(8)));
        break;
      case 1:
        *at = static_cast<std::uint8_t>(below(256));
        break;
      case 2:
        put_edge_number(std::span(at, bytes.end()));
        break;
      case 3:
        bytes.erase(at, bytes.end());
        break;
      case 4:
        bytes.erase(at,
                    at + static_cast<std::ptrdiff_t>(1 + below(std::min<std::size_t>(left, 16))));
        break;
      default:
        insert_piece(bytes, at);
    }
  }

  void put_edge_number(std::span<std::uint8_t> out) {
    constexpr auto kEdges = std::to_array<std::uint64_t>(
        {0, 1, 2, 32, 255, 65535, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 62,
         0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffe0, 0xffffffffffffffff});
    const std::uint64_t value = kEdges[below(kEdges.size())];
    const std::size_t width = std::size_t{1} << below(4);
    std::memcpy(out.data(), &value, std::min(width, out.size()));
  }

  void insert_piece(Bytes& bytes, Bytes::iterator at) {
    const Bytes& other = inputs_[below(inputs_.size())];
    const std::size_t begin = below(other.size() + 1);
    const std::size_t count = std::min(other.size() - begin, below(64));
    const auto piece = other.begin() + static_cast<std::ptrdiff_t>(begin);
    bytes.insert(at, piece, piece + static_cast<std::ptrdiff_t>(count));
  }

  const std::vector<Bytes>& inputs_;
  std::mt19937_64 random_;  // the standard's default seed
};

}  // namespace

int main(int argc, char** argv) {
  std::span<char* const> arguments(argv + 1, static_cast<std::size_t>(argc) - 1);
  const bool trace = !arguments.empty() && std::string(arguments[0]) == "-trace";
  if (trace) arguments = arguments.subspan(1);
  const auto run = [&](const std::string& name, const Bytes& bytes) {
    if (trace) std::fprintf(stderr, "%s, %zu bytes\n", name.c_str(), bytes.size());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  };

  std::vector<Bytes> inputs = {{}};
  for (const fs::path& path : list_inputs(arguments)) {
    const auto content = pajamas::read_text_file(path, kMaxInputBytes);
    if (!content) {
      std::fprintf(stderr, "%s\n", content.error().message.c_str());
      return 1;
    }
    inputs.emplace_back(content->begin(), content->end());
    run(path.string(), inputs.back());
  }
  if (inputs.size() == 1) {
    std::fprintf(stderr, "no inputs: give the folders of the corpus\n");
    return 1;
  }
  Mutator mutator(inputs);
  for (int count = 0; count < kMutations; ++count) {
    run("mutation " + std::to_string(count), mutator.next());
  }
  std::printf("%zu files and %d mutations of them\n", inputs.size() - 1, kMutations);
  return 0;
}
