// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_source.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include <fmt/ranges.h>

#include "formats/printable.h"
#include "formats/safetensors/safetensors_header.h"
#include "formats/tensor_files.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSingleName = "model.safetensors";
constexpr std::string_view kIndexName = "model.safetensors.index.json";
constexpr std::string_view kAdapterName = "adapter_model.safetensors";

class OpenSafetensors : public TensorSource {
 public:
  explicit OpenSafetensors(TensorFiles files) : files_(std::move(files)) {}

  std::span<const TensorInfo> tensors() const override { return files_.tensors(); }
  std::span<const fs::path> files() const override { return files_.files(); }
  const TensorInfo* find(std::string_view name) const override { return files_.find(name); }
  Status read(const TensorInfo& tensor, std::uint64_t offset,
              std::span<std::byte> out) const override {
    return files_.read(tensor, offset, out);
  }

 private:
  TensorFiles files_;
};

bool is_pickle_name(std::string_view name) {
  constexpr auto kEndings =
      std::to_array<std::string_view>({".bin", ".pt", ".pth", ".pkl", ".ckpt"});
  return std::ranges::any_of(kEndings, [&](auto ending) { return name.ends_with(ending); });
}

std::unexpected<Error> refuse_pickle(const fs::path& path, std::string_view what) {
  return make_error(ErrorCode::kUnsupported,
                    "{} {} PyTorch pickles (.bin, .pt, .pth), which can run code when they are "
                    "read, so this program does not read them; use a safetensors version of the "
                    "model, or convert it with save_pretrained(..., safe_serialization=True)",
                    quoted(path), what);
}

Status add_file(TensorFiles& files, const fs::path& path) {
  File file = PJ_TRY(File::open_read(path));
  auto tensors = read_safetensors_header(file);
  if (!tensors) return std::unexpected(tensors.error().with_context(quoted(path)));
  files.add(std::move(file), *std::move(tensors));
  return {};
}

Result<std::unique_ptr<TensorSource>> open_files(const std::vector<fs::path>& paths) {
  TensorFiles files;
  for (const fs::path& path : paths) PJ_TRY(add_file(files, path));
  PJ_TRY(files.index());
  return std::make_unique<OpenSafetensors>(std::move(files));
}

Result<std::unique_ptr<TensorSource>> open_indexed(const fs::path& folder) {
  const fs::path index_path = folder / kIndexName;
  const SafetensorsIndex index = PJ_TRY(read_safetensors_index(index_path));
  std::vector<fs::path> paths;
  for (const std::string& name : index.files) {
    paths.push_back(folder / name);
    std::error_code error;
    if (!fs::exists(paths.back(), error)) {
      return make_error(ErrorCode::kNotFound,
                        "{} names '{}', which is not in the folder; is the download complete?",
                        quoted(index_path), printable(name));
    }
  }
  auto source = PJ_TRY(open_files(paths));
  for (const auto& [tensor, file] : index.weights) {
    const TensorInfo* found = source->find(tensor);
    if (found == nullptr ||
        source->files()[static_cast<std::size_t>(found->file)].filename() != file) {
      return make_error(ErrorCode::kInvalidData,
                        "{} places the tensor '{}' in '{}', but that file does not have it",
                        quoted(index_path), printable(tensor), printable(file));
    }
  }
  return source;
}

struct ShardName {
  std::string prefix;
  int no = 0;
  int count = 0;
};

// "model-00001-of-00003.safetensors"
std::optional<ShardName> parse_shard_name(std::string_view name) {
  constexpr std::string_view kPattern = "-00000-of-00000.safetensors";
  if (name.size() <= kPattern.size()) return std::nullopt;
  ShardName shard{.prefix = std::string(name.substr(0, name.size() - kPattern.size()))};
  const std::string_view ending = name.substr(shard.prefix.size());
  for (std::size_t place = 0; place < ending.size(); ++place) {
    const bool is_digit = ending[place] >= '0' && ending[place] <= '9';
    if (kPattern[place] == '0' ? !is_digit : ending[place] != kPattern[place]) return std::nullopt;
  }
  for (std::size_t place = 1; place <= 5; ++place) {
    shard.no = shard.no * 10 + (ending[place] - '0');
    shard.count = shard.count * 10 + (ending[place + 9] - '0');
  }
  return shard;
}

// The files of a folder without an index: one file, or shards that are complete by their names.
Result<std::vector<fs::path>> choose_without_index(const fs::path& folder,
                                                   const std::set<std::string>& names) {
  if (names.size() == 1 && !parse_shard_name(*names.begin())) return {{folder / *names.begin()}};
  const std::optional<ShardName> first = parse_shard_name(*names.begin());
  std::vector<fs::path> paths;
  for (const std::string& name : names) {
    const std::optional<ShardName> shard = parse_shard_name(name);
    if (!first || !shard || shard->prefix != first->prefix || shard->count != first->count) {
      return make_error(ErrorCode::kInvalidArgument,
                        "{} has several safetensors files and no {}: '{}' and '{}' among them; "
                        "give the path of the one to read",
                        quoted(folder), kIndexName, printable(*names.begin()), printable(name));
    }
    if (static_cast<std::size_t>(shard->no) != paths.size() + 1) break;
    paths.push_back(folder / name);
  }
  if (paths.size() != static_cast<std::size_t>(first->count)) {
    return make_error(ErrorCode::kNotFound,
                      "{} lacks '{}-{:05}-of-{:05}.safetensors'; is the download complete?",
                      quoted(folder), printable(first->prefix), paths.size() + 1, first->count);
  }
  return paths;
}

Result<std::set<std::string>> list_names(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  while (!error && entry != fs::directory_iterator()) {
    names.insert(entry->path().filename().string());
    entry.increment(error);
  }
  if (error) {
    return make_error(ErrorCode::kIo, "cannot list folder {}: {}", quoted(folder), error.message());
  }
  return names;
}

Result<std::unique_ptr<TensorSource>> open_folder(const fs::path& folder) {
  const std::set<std::string> names = PJ_TRY(list_names(folder));
  // The order in which transformers looks for them.
  if (names.contains(std::string(kSingleName))) return open_files({folder / kSingleName});
  if (names.contains(std::string(kIndexName))) return open_indexed(folder);

  std::set<std::string> candidates;
  for (const std::string& name : names) {
    if (name.ends_with(".safetensors") && name != kAdapterName) candidates.insert(name);
  }
  if (!candidates.empty()) {
    const std::vector<fs::path> paths = PJ_TRY(choose_without_index(folder, candidates));
    return open_files(paths);
  }
  if (names.contains(std::string(kAdapterName))) {
    return make_error(ErrorCode::kUnsupported,
                      "{} holds an adapter ({}) and no model; merge it into its base model first "
                      "(merge_and_unload() of the peft package)",
                      quoted(folder), kAdapterName);
  }
  if (std::ranges::any_of(names, is_pickle_name)) return refuse_pickle(folder, "holds only");
  const auto gguf =
      std::ranges::find_if(names, [](const std::string& name) { return name.ends_with(".gguf"); });
  if (gguf != names.end()) {
    return make_error(ErrorCode::kNotFound,
                      "{} has no .safetensors file; to read '{}', give its path", quoted(folder),
                      printable(*gguf));
  }
  return make_error(ErrorCode::kNotFound, "{} has no .safetensors file", quoted(folder));
}

}  // namespace

Result<std::unique_ptr<TensorSource>> open_safetensors(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_folder(path);
  if (is_pickle_name(path.filename().string())) return refuse_pickle(path, "is one of the");
  return open_files({path});
}

}  // namespace pajamas
